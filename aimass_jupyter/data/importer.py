"""The importer: ``python -m aimass_jupyter.data.importer FOLDER``, started by the control plane.

It reads ``request.json`` in the folder, and leaves there either ``data.arrow`` and
``description.json`` (exit code 0) or ``error.json``, a problem object (exit code 1). The
description is written last: where it is, the data is whole. It writes nothing outside the folder.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from aimass_jupyter.contract.errors import (
    AimassError,
    InsufficientStorage,
    InvalidRequest,
    TooLarge,
)
from aimass_jupyter.data.dataset import with_columns
from aimass_jupyter.data.normalise import normalise
from aimass_jupyter.data.profile import describe
from aimass_jupyter.data.readers import read_builtin, read_file
from aimass_jupyter.host import write_record
from aimass_jupyter.host.records import sync_folder

DATA = "data.arrow"
DESCRIPTION = "description.json"
ERROR = "error.json"
REQUEST = "request.json"

_ROWS_A_BATCH = 65_536


class Builtin(BaseModel):
    """A data set that ships with scikit-learn."""

    model_config = ConfigDict(extra="forbid")

    builtin: str

    @property
    def name(self) -> str:
        """What people call it."""
        return self.builtin


class File(BaseModel):
    """Bytes on this machine, and what people call them."""

    model_config = ConfigDict(extra="forbid")

    path: Path
    filename: str

    @property
    def name(self) -> str:
        """What people call it."""
        return self.filename


class ImportRequest(BaseModel):
    """What ``request.json`` holds."""

    model_config = ConfigDict(extra="forbid")

    source: Builtin | File
    label: str | None = None


def import_dataset(folder: Path) -> None:
    """Do what the folder's request asks.

    Raises
    ------
    AimassError
        When the source cannot be read, or the disk is full; nothing is left half-written.
    """
    request = _read_request(folder / REQUEST)
    try:
        table, label, source = _read(request)
        description = describe(table, source, request.label or label)
    except (MemoryError, pa.ArrowMemoryError):
        raise TooLarge(
            f"{request.source.name} does not fit into this machine's memory",
            "import a part of the rows",
        ) from None
    try:
        _write_table(with_columns(table, description.columns), folder / DATA)
        write_record(folder / DESCRIPTION, description.model_dump(mode="json"))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise InsufficientStorage(
            f"the disk has no room for {table.nbytes:,} bytes of data",
            "free some space, then import again",
        ) from None


def _read_request(path: Path) -> ImportRequest:
    try:
        return ImportRequest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InvalidRequest(f"{path.name} is not an import request: {error}") from None


def _read(request: ImportRequest) -> tuple[pa.Table, str | None, str]:
    """The table, the label that the source itself names, and the source in words."""
    source = request.source
    if isinstance(source, Builtin):
        table, label = read_builtin(source.builtin)
        return normalise(table, source.builtin), label, f"scikit-learn: {source.builtin}"
    table = read_file(source.path, source.filename)
    return normalise(table, source.filename), None, f"file: {source.filename}"


def _write_table(table: pa.Table, path: Path) -> None:
    """Write the Arrow file whole or not at all, uncompressed so that it can be mapped."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table, max_chunksize=_ROWS_A_BATCH)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def main(arguments: list[str]) -> int:
    """Run the importer; the exit code says whether there is a dataset."""
    if len(arguments) != 1:
        print("usage: python -m aimass_jupyter.data.importer FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    try:
        import_dataset(folder)
    except AimassError as error:
        write_record(folder / ERROR, error.problem())
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
