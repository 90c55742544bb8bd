"""Bad rows: which row of a dataset cannot be learnt from. Looked for only once learning failed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data.dataset import column_values

_ROWS_AT_ONCE = 4096
_LARGEST_CLASS = 2**53


class BadData(InvalidRequest):
    """A row holds what cannot be learnt from; the message names row, column and value."""

    cause = "bad-data"


def find_bad_row(table: pa.Table, label: str, task: str) -> BadData | None:
    """Return the first bad row, rows counted from 1 as the dataset has them; None for none."""
    for name in [label, *(name for name in table.column_names if name != label)]:
        if name not in table.column_names:
            continue
        column = table[name]
        if isinstance(column.type, pa.FixedShapeTensorType):
            found = _find_pixel(name, column)
        else:
            found = _find_label(name, column, task) if name == label else None
        if found:
            return found
    return None


def _find_label(name: str, column: pa.ChunkedArray, task: str) -> BadData | None:
    if not pa.types.is_floating(column.type):
        return None
    values = column_values(column)
    infinite = np.isinf(values)
    if task == "classification":
        whole = np.isnan(values) | (values == np.round(values))
        return _first(name, values, infinite | ~whole | (np.abs(values) >= _LARGEST_CLASS),
                      "no class: classes are words or whole numbers")  # fmt: skip
    return _first(name, values, infinite, "no number that can be learnt")


def _find_pixel(name: str, column: pa.ChunkedArray) -> BadData | None:
    for start in range(0, len(column), _ROWS_AT_ONCE):
        values = column_values(column.slice(start, _ROWS_AT_ONCE))
        if values.dtype.kind != "f":
            return None
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        if bad.any():
            row = start + int(bad.argmax())
            return _bad(row, name, "some of its pixels are NaN or infinite")
    return None


def _first(
    name: str, values: npt.NDArray[np.float64], bad: npt.NDArray[np.bool_], what: str
) -> BadData | None:
    if not bad.any():
        return None
    row = int(bad.argmax())
    return _bad(row, name, f"{values[row]:g} is {what}")


def _bad(row: int, column: str, what: str) -> BadData:
    return BadData(
        f"row {row + 1:,}, column '{column}': {what}", "mend or leave out the row, import again"
    )
