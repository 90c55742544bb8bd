"""Records on disk: JSON written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path
from typing import Any


def write_record(
    path: Path, record: dict[str, Any], mode: int = 0o600, *, durable: bool = True
) -> None:
    """Write a JSON object: temporary file beside it, fsync, rename, fsync of the folder.

    Parameters
    ----------
    durable
        Whether it survives a power cut when this returns. One that does not is whole all the same
        for every process, and when this one is killed; :func:`make_durable` does the rest.
    """
    content = json.dumps(record, indent=1, allow_nan=False).encode()
    write_bytes(path, content, mode, durable=durable)


def make_durable(*paths: Path) -> None:
    """Have files of one folder survive a power cut."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(paths[0].parent)


def write_first(path: Path, record: dict[str, Any], mode: int = 0o600) -> bool:
    """Write a JSON object durably unless there is one of that name; whether it was written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    write_record(draft, record, mode)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return True


def write_bytes(path: Path, content: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Write a file whole or not at all, and leave no temporary file when the disk is full."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_record(path: Path) -> dict[str, Any] | None:
    """Read a record; None when there is none."""
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    if not isinstance(record, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return record
