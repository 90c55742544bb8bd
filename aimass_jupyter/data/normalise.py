"""The few column types that the rest of the product meets, whatever the file had.

Numbers are int64 or double, words are string, yes and no is bool, times stay as they are, and
images are tensors of (channels, height, width).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data.images import as_images
from aimass_jupyter.data.readers.limits import check_bytes, check_columns, check_names


def normalise(table: pa.Table, filename: str) -> pa.Table:
    """Return the table with each column in its normal type, without foreign metadata.

    Raises
    ------
    InvalidRequest
        When there are no rows or columns, names clash, or a column has a type that cannot be
        learnt from, such as nested lists.
    """
    if table.num_rows == 0 or table.num_columns == 0:
        raise InvalidRequest(f"{filename} has no rows", "import a file with rows")
    check_columns(filename, table.num_columns)
    check_bytes(filename, table.nbytes)
    check_names(filename, table.column_names)
    return pa.table(
        {name: _normal(table[name], f"{filename}: column '{name}'") for name in table.column_names}
    )


def _normal(column: pa.ChunkedArray, what: str) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.FixedShapeTensorType):
        return pa.chunked_array([_images(column, what)])
    if pa.types.is_dictionary(kind):
        return _normal(column.cast(kind.value_type), what)
    target = _normal_type(kind)
    if target is None:
        raise InvalidRequest(
            f"{what} holds {kind}, which is not learnt from",
            "leave it out, or turn it into columns of numbers or words",
        )
    try:
        return column.cast(target)
    except pa.ArrowInvalid:  # integers beyond int64
        return column.cast(pa.float64(), safe=False)


def _normal_type(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_boolean(kind) or types.is_temporal(kind):
        return kind
    if types.is_integer(kind):
        return pa.int64()
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return pa.float64()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    return None


def _images(column: pa.ChunkedArray, what: str) -> pa.FixedShapeTensorArray:
    if column.null_count:
        raise InvalidRequest(f"{what} lacks {column.null_count} images", "leave those rows out")
    if column.type.permutation not in (None, list(range(len(column.type.shape)))):
        raise InvalidRequest(f"{what} is stored in an unusual order", "save it in row-major order")
    return as_images(what, np.concatenate([chunk.to_numpy_ndarray() for chunk in column.chunks]))
