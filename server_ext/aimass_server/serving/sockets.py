"""Where Unix sockets lie: their paths may have 107 bytes, a data folder may lie deeper."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from aimass_jupyter.contract.errors import Unavailable

MAX_PATH_BYTES = 107
_LONGEST_NAME_BYTES = 44  # an endpoint's id, a number, ".sock"


def socket_folder(data: Path) -> Path:
    """The folder for the sockets of a data folder, made if it is missing.

    Raises
    ------
    Unavailable
        When the short folder is somebody else's, or open to others.
    """
    own = data / "sockets"
    if len(os.fsencode(own)) + _LONGEST_NAME_BYTES <= MAX_PATH_BYTES:
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        return own
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    return _private(Path("/tmp", f"aimass-{os.getuid()}-{digest}"))


def _private(folder: Path) -> Path:
    """A folder of ours where anybody may make folders: nobody else got there first."""
    folder.mkdir(exist_ok=True, mode=0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise Unavailable(
            f"{folder} is not a folder of ours alone, and sockets would lie there",
            "remove it, or set AIMASS_DATA to a folder with a path of at most 60 bytes",
        )
    return folder


def remove_if_empty(folder: Path) -> None:
    """Remove the folder when no socket is left in it."""
    with contextlib.suppress(OSError):  # a socket is left
        folder.rmdir()
