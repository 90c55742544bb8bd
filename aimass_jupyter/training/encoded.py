"""Encoded rows: a data set as a network reads it, worked out block by block into files.

One rank of a host works them out, and all map the same ones: what a rank needs of memory does not
grow with the rows. The files are in the job's folder for as long as ranks still have to open them.
"""

from __future__ import annotations

import fcntl
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aimass_jupyter.data import Preprocessing, column_values
from aimass_jupyter.data.dataset import take
from aimass_jupyter.data.encoders import TextEncoder

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]
Encoded = tuple[Array, Array]

_FOLDER = "rows"
_BLOCK_ROWS = 1 << 16
_MOST_BLOCK_BYTES = 1 << 26


def encode(table: pa.Table, rows: Indices, preprocessing: Preprocessing) -> Encoded:
    """Return inputs, packed, and targets of some rows, in memory."""
    names = [*(feature.name for feature in preprocessing.features), preprocessing.label.name]
    columns = {name: column_values(take(table[name], rows)) for name in names}
    targets = preprocessing.encode_label(columns[preprocessing.label.name])
    return preprocessing.pack(columns), targets


def is_small(table: pa.Table, rows: int, preprocessing: Preprocessing, small_bytes: int) -> bool:
    """Whether a rank may encode so many rows at once."""
    return rows * _most_bytes(table, preprocessing) <= small_bytes


def row_bytes(preprocessing: Preprocessing) -> int:
    """Bytes of the input of one row."""
    return 4 * math.prod(preprocessing.packed_shape)


def _most_bytes(table: pa.Table, preprocessing: Preprocessing) -> int:
    """Bytes of the input of one row, or of its texts as they stand, whichever are more."""
    texts = [one.name for one in preprocessing.features if isinstance(one, TextEncoder)]
    letters = table.select(texts).nbytes // max(1, table.num_rows) if texts else 0
    return max(row_bytes(preprocessing), letters)


def map_encoded(
    folder: Path, table: pa.Table, parts: dict[str, Indices], preprocessing: Preprocessing
) -> dict[str, Encoded]:
    """Map the rows of each part, ascending numbers all; the first rank to ask works them out.

    Raises
    ------
    OSError
        When the disk is full.
    """
    home = folder / _FOLDER
    home.mkdir(mode=0o700, exist_ok=True)
    with _alone(home / "lock"):
        if not (home / "done").exists():
            _write(home, table, parts, preprocessing)
            (home / "done").touch()
        return {name: _mapped(home, name, len(rows), preprocessing) for name, rows in parts.items()}


def drop_encoded(folder: Path) -> None:
    """Take the files out of the folder: ranks that have mapped them keep them till they end."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the kernel takes back from whoever dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(
    home: Path, table: pa.Table, parts: dict[str, Indices], preprocessing: Preprocessing
) -> None:
    most = _most_bytes(table, preprocessing)
    block = max(1, min(_BLOCK_ROWS, _MOST_BLOCK_BYTES // most))
    with ExitStack() as files:
        outs = {
            name: [files.enter_context(_path(home, name, what).open("wb")) for what in _WHAT]
            for name in parts
        }
        for start in range(0, table.num_rows, block):
            stretch = table.slice(start, block)
            for name, rows in parts.items():
                first, last = np.searchsorted(rows, (start, start + block))
                if first < last:
                    _append(outs[name], encode(stretch, rows[first:last] - start, preprocessing))


def _append(files: Sequence[BinaryIO], encoded: Encoded) -> None:
    for file, array in zip(files, encoded, strict=True):
        file.write(array.tobytes())


def _mapped(home: Path, name: str, rows: int, preprocessing: Preprocessing) -> Encoded:
    """Private maps: torch takes no array that cannot be written to, and nobody writes to these."""
    kind = np.int64 if preprocessing.task == "classification" else np.float32
    shape = (rows, *preprocessing.packed_shape)
    inputs, targets = (_path(home, name, what) for what in _WHAT)
    return (
        np.memmap(inputs, np.float32, "c", shape=shape),
        np.memmap(targets, kind, "c", shape=(rows,)),
    )


_WHAT = ("inputs", "targets")


def _path(home: Path, name: str, what: str) -> Path:
    return home / f"{name}.{what}"
