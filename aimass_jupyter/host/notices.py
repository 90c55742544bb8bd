"""Notices: what a person should know of a running job, one small record each, in its folder.

Whoever finds something writes it under a name of its own and writes it again when it changes; so
several processes can, and nobody reads a half one.
"""

from __future__ import annotations

import time
from pathlib import Path

from aimass_jupyter.host.records import read_record, write_record

_FOLDER = "notices"


def write_notice(folder: Path, name: str, text: str) -> None:
    """Say something of the job in ``folder``; what was said under this name is replaced.

    Raises
    ------
    OSError
        When the disk does not take it.
    """
    path = folder / _FOLDER / f"{name}.json"
    path.parent.mkdir(exist_ok=True, mode=0o700)
    since = (read_record(path) or {}).get("since", time.time())
    write_record(path, {"since": since, "text": text})


def remove_notice(folder: Path, name: str) -> None:
    """Take back what was said under this name."""
    (folder / _FOLDER / f"{name}.json").unlink(missing_ok=True)


def read_notices(folder: Path) -> list[str]:
    """What was said of the job, the oldest first."""
    found = [read_record(path) for path in (folder / _FOLDER).glob("*.json")]
    records = sorted(filter(None, found), key=lambda record: float(record["since"]))
    return [str(record["text"]) for record in records]
