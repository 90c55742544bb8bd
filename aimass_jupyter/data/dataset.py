"""An imported dataset version: opened without loading it, its columns handed out as arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.errors import InvalidRequest, NotFound

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]

_MOST_STRING_BYTES = 1 << 30  # Arrow joins parts of a column, and its strings end at twice that
_COLUMNS_KEY = b"aimass.columns"


def open_dataset(path: str | Path) -> pa.Table:
    """Map the Arrow file of a dataset version into memory.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidRequest
        When it is not an Arrow file.
    """
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except FileNotFoundError:
        raise NotFound(
            f"there is no dataset file {Path(path).name}", "import the dataset again"
        ) from None
    except pa.ArrowInvalid as error:
        raise InvalidRequest(
            f"{Path(path).name} is not a dataset: {error}", "import the dataset again"
        ) from None


def with_columns(table: pa.Table, columns: list[Column]) -> pa.Table:
    """Return the table with its columns' descriptions in its schema, where they travel with it."""
    described = json.dumps([column.model_dump(mode="json") for column in columns])
    return table.replace_schema_metadata({_COLUMNS_KEY: described.encode()})


def described_columns(table: pa.Table) -> list[Column]:
    """Return what the importer found of each column, without looking at the values again.

    Raises
    ------
    InvalidRequest
        When the table was not imported.
    """
    described = (table.schema.metadata or {}).get(_COLUMNS_KEY)
    if described is None:
        raise InvalidRequest("the table does not describe its columns", "import the dataset again")
    return [Column.model_validate(column) for column in json.loads(described)]


def labelled_rows(table: pa.Table, label: str) -> pa.Table:
    """Return the rows whose label is not missing (NaN counts as missing)."""
    missing = pc.is_null(table[label], nan_is_null=True)
    return table if not pc.any(missing).as_py() else table.filter(pc.invert(missing))


def columns_of(table: pa.Table, names: list[str] | None = None) -> dict[str, Array]:
    """Return columns as arrays, by name; see ``column_values`` for their types."""
    return {name: column_values(table[name]) for name in names or table.column_names}


def column_values(column: pa.ChunkedArray) -> Array:
    """Return a column as an array.

    Numbers, also when some are missing, become float64 with NaN for what is missing, and whole
    integers int64; booleans bool, or float64 when some are missing; images an array of shape
    (rows, channels, height, width) in their own type; all else objects with None.
    """
    kind = column.type
    if isinstance(kind, pa.FixedShapeTensorType):
        return _tensors(column)
    if pa.types.is_boolean(kind) and column.null_count:
        column, kind = column.cast(pa.float64()), pa.float64()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values: Array = column.to_numpy()
        return values
    return np.array(column.to_pylist(), dtype=object)


def first_value(column: pa.ChunkedArray) -> Any:
    """Return the first value that is not missing, as plain Python; None when all are."""
    if isinstance(column.type, pa.FixedShapeTensorType):
        return column_values(column.slice(0, 1))[0].tolist()
    present = column.filter(pc.invert(pc.is_null(column, nan_is_null=True)))
    return present[0].as_py() if len(present) else None


def take(column: pa.ChunkedArray, rows: Indices) -> pa.ChunkedArray:
    """Return the values of some rows; texts may be more than 2 GiB together."""
    if pa.types.is_string(column.type) and column.nbytes > _MOST_STRING_BYTES:
        column = column.cast(pa.large_string())  # the letters themselves are not copied
    return column.take(pa.array(rows))


def some_of(column: pa.ChunkedArray, most: int) -> pa.ChunkedArray:
    """Return so many values at most, from all over the column."""
    if len(column) <= most:
        return column
    return take(column, np.linspace(0, len(column) - 1, most).astype(np.int64))


def _tensors(column: pa.ChunkedArray) -> Array:
    chunks: list[Array] = [chunk.to_numpy_ndarray() for chunk in column.chunks]
    if not chunks:
        return np.empty((0, *column.type.shape), column.type.value_type.to_pandas_dtype())
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
