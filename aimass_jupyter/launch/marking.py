"""The marker of a forked process, where everybody looks for it: in ``/proc/<pid>/environ``.

A fork shows the environment that its ancestor was started with, whatever ``os.environ`` says. So
that ancestor is started with room for a marker, and those bytes are overwritten for the moment
of the fork.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.contract.ids import ULID_LENGTH
from aimass_jupyter.launch.order import Marker

ROOM = Marker("AIMASS_JOB_ID", f"job_{'0' * ULID_LENGTH}")

_ENVIRONMENT_FIELDS = slice(47, 49)  # env_start and env_end of proc(5), counted after the name


@contextmanager
def marked(marker: Marker) -> Iterator[None]:
    """Carry the marker while this lasts; what is forked meanwhile is born with it, and keeps it.

    A fork that marked itself could be overlooked in its first moment by whoever ends all that have
    the marker.

    Raises
    ------
    Failed
        When this process has no room for it.
    """
    mark(marker)
    try:
        yield
    finally:
        _overwrite(marker, ROOM)


def mark(marker: Marker) -> None:
    """Carry the marker for good.

    Only a process that is killed when its parent ends may do so by itself: nobody finds it by its
    marker before.

    Raises
    ------
    Failed
        When this process has no room for it.
    """
    if not _overwrite(ROOM, marker):
        raise Failed(f"process {os.getpid()} has no room for {marker} in its environment")


def _overwrite(old: Marker, new: Marker) -> bool:
    """Write one marker over another; False when the old one is not there, or has another length."""
    start, size = _environment_area()
    before, after = str(old).encode(), str(new).encode()
    offset = (b"\0" + ctypes.string_at(start, size)).find(b"\0" + before + b"\0")
    if offset < 0 or len(before) != len(after):
        return False
    ctypes.memmove(start + offset, after, len(after))
    return True


def _environment_area() -> tuple[int, int]:
    """Where the kernel keeps what this process was started with: address and size."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = (int(field) for field in fields[_ENVIRONMENT_FIELDS])
    return start, end - start
