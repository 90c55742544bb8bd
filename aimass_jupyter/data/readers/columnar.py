"""Parquet and Arrow IPC. Files of strangers: every offset is checked before it is followed."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from aimass_jupyter.data.readers.limits import check_bytes, check_columns, unreadable

_PANDAS_INDEX = re.compile(r"^__index_level_\d+__$")
_BYTES_A_VALUE = 8


def read_parquet(path: Path, filename: str) -> pa.Table:
    """Read a Parquet file; the index that pandas adds is left out.

    Raises
    ------
    InvalidRequest
        When the file is damaged.
    TooLarge
        When it would unpack to more than the limits.
    """
    try:
        with pa.parquet.ParquetFile(path) as file:
            metadata = file.metadata
            check_columns(filename, metadata.num_columns)
            check_bytes(filename, metadata.num_rows * metadata.num_columns * _BYTES_A_VALUE)
            names = [name for name in file.schema_arrow.names if not _PANDAS_INDEX.match(name)]
            return _checked(file.read(columns=names))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise unreadable(filename, "Parquet", error) from None


def read_arrow_file(path: Path, filename: str) -> pa.Table:
    """Read an Arrow IPC file (Feather version 2).

    Raises
    ------
    InvalidRequest
        When the file is damaged.
    """
    try:
        with pa.OSFile(str(path)) as source:
            return _checked(pa.ipc.open_file(source).read_all())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise unreadable(filename, "Arrow", error) from None


def read_arrow_stream(path: Path, filename: str) -> pa.Table:
    """Read an Arrow IPC stream.

    Raises
    ------
    InvalidRequest
        When the stream is damaged.
    """
    try:
        with pa.OSFile(str(path)) as source:
            return _checked(pa.ipc.open_stream(source).read_all())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise unreadable(filename, "an Arrow stream", error) from None


def _checked(table: pa.Table) -> pa.Table:
    """Arrow believes offsets unless it is told to look."""
    table.validate(full=True)
    return table
