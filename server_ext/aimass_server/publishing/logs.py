"""The log of a service: whole lines from where a cursor stands. It writes none."""

from __future__ import annotations

import os
import re
from pathlib import Path

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.services import ServiceLog
from aimass_server.publishing.version import Version

_CURSOR = re.compile(r"(\d{1,20})=(\d{1,18})")


def read(version: Version, cursor: str, limit_bytes: int) -> ServiceLog:
    """Read on from a cursor; a start since then has a log of its own, told from its beginning.

    Blocks.

    Raises
    ------
    InvalidRequest
        When the cursor is not one of ours.
    """
    known, offset = _parse(cursor)
    ended = not version.alive  # before the reading: what it wrote until then is read
    path = version.log()
    if path is None:
        return ServiceLog(text="", cursor=cursor, end=ended)
    content, number, offset = _read(path, known, offset, limit_bytes)
    partial = len(content) == limit_bytes or not ended
    kept = content[: content.rfind(b"\n") + 1] if partial else content
    if not kept and len(content) == limit_bytes:  # a line longer than what may be answered
        kept = content
    end = ended and len(content) < limit_bytes
    text = kept.decode(errors="replace")
    return ServiceLog(text=text, cursor=f"{number}={offset + len(kept)}", end=end)


def _read(path: Path, known: int, offset: int, limit_bytes: int) -> tuple[bytes, int, int]:
    """Bytes after the offset, the number of the file, and the offset that was meant in it."""
    with path.open("rb") as log:
        number = os.fstat(log.fileno()).st_ino
        begin = offset if number == known else 0
        log.seek(begin)
        return log.read(limit_bytes), number, begin


def _parse(cursor: str) -> tuple[int, int]:
    """``file=offset``; an empty one is the beginning."""
    if not cursor:
        return 0, 0
    if (match := _CURSOR.fullmatch(cursor)) is None:
        raise InvalidRequest(
            f"cursor '{cursor[:40]}' is not one of ours", "pass the cursor of the answer before"
        )
    return int(match[1]), int(match[2])
