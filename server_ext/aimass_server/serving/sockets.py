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
    """The folder for the sockets of a data folder."""
    own = data / "sockets"
    if len(os.fsencode(own)) + _LONGEST_NAME_BYTES <= MAX_PATH_BYTES:
        return own
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    return Path("/tmp", f"aimass-{os.getuid()}-{digest}")


def make_private(folder: Path) -> None:
    """Make the folder where it is missing, and see that it is ours alone: others may write in /tmp.

    Raises
    ------
    Unavailable
        When it is somebody else's, open to others, or a link.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise Unavailable(
            f"{folder} is not a folder of ours alone, and sockets would lie there",
            "remove it, or set AIMASS_DATA to a folder with a path of at most 50 bytes",
        )


def remove_if_empty(folder: Path) -> None:
    """Remove the folder when no socket is left in it."""
    with contextlib.suppress(OSError):  # a socket is left
        folder.rmdir()
