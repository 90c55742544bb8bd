"""NumPy .npz: named arrays of as many rows each. Object arrays are refused, never unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data.images import as_images
from aimass_jupyter.data.readers.limits import check_bytes, check_columns, unreadable

Array = npt.NDArray[Any]


def read_npz(path: Path, filename: str) -> pa.Table:
    """Read an .npz file: vectors are columns, matrices many columns, the rest images.

    Raises
    ------
    InvalidRequest
        When arrays differ in length, hold objects, or are damaged.
    TooLarge
        When they would unpack to more than the limits.
    """
    try:
        arrays = _load(path, filename)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, SyntaxError) as error:
        raise unreadable(filename, "NumPy .npz", error) from None
    _check_lengths(filename, arrays)
    columns: dict[str, pa.Array] = {}
    for name, values in arrays.items():
        columns |= _columns(filename, name, values)
    check_columns(filename, len(columns))
    return pa.table(columns)


def _load(path: Path, filename: str) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_columns(filename, len(members))
        check_bytes(filename, sum(member.file_size for member in members))
        for member in members:
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as file:
                _check_header(filename, name, file, member.file_size)
            with archive.open(member) as file:
                arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    return arrays


def _check_header(filename: str, name: str, file: IO[bytes], size: int) -> None:
    """numpy takes the memory that a header asks for: hold that against the bytes there are."""
    version = np.lib.format.read_magic(file)
    reader = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = reader(file)
    if dtype.hasobject:
        raise InvalidRequest(
            f"{filename}: array '{name}' holds Python objects, which are never unpickled",
            "save numbers or text: array.astype(float) or array.astype(str)",
        )
    count = 1
    for side in shape:
        count *= side
    if count * dtype.itemsize > size:
        raise InvalidRequest(
            f"{filename}: array '{name}' says it has the shape {shape}, more than the file holds",
            "check that the file is whole",
        )


def _check_lengths(filename: str, arrays: dict[str, Array]) -> None:
    for name, values in arrays.items():
        if values.ndim == 0:
            raise InvalidRequest(
                f"{filename}: array '{name}' is a single value", "save one value a row"
            )
    if len({len(values) for values in arrays.values()}) > 1:
        lengths = ", ".join(f"'{name}' has {len(values):,}" for name, values in arrays.items())
        raise InvalidRequest(
            f"{filename}: the arrays differ in their number of rows: {lengths}",
            "save arrays with one entry a row each",
        )


def _columns(filename: str, name: str, values: Array) -> dict[str, pa.Array]:
    if values.dtype.kind not in "biufUSM":
        raise InvalidRequest(
            f"{filename}: array '{name}' holds {values.dtype}, which is not learnt from",
            "save numbers, booleans, text or times",
        )
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1:
        return {name: _vector(filename, name, values)}
    if values.ndim == 2:
        check_columns(filename, values.shape[1])
        return {
            f"{name}_{place}": _vector(filename, name, values[:, place])
            for place in range(values.shape[1])
        }
    return {name: as_images(f"{filename}: array '{name}'", values)}


def _vector(filename: str, name: str, values: Array) -> pa.Array:
    if values.dtype.kind == "S":
        try:
            return pa.array([value.decode() for value in values.tolist()], pa.string())
        except UnicodeDecodeError:
            raise InvalidRequest(
                f"{filename}: array '{name}' holds bytes that are not UTF-8 text",
                "save it as text: array.astype(str)",
            ) from None
    if values.dtype.kind == "U":
        return pa.array(values.tolist(), pa.string())
    return pa.array(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))))
