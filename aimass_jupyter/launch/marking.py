"""The marker of a forked process, where everybody looks for it: in ``/proc/<pid>/environ``.

A fork shows the environment that its ancestor was started with, whatever ``os.environ`` says. So
that ancestor is started with room for a marker, and the fork overwrites those bytes.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from aimass_jupyter.contract.ids import ULID_LENGTH
from aimass_jupyter.launch.order import Marker

ROOM = Marker("AIMASS_JOB_ID", f"job_{'0' * ULID_LENGTH}")

_ENVIRONMENT_FIELDS = slice(47, 49)  # env_start and env_end of proc(5), counted after the name


def take_marker(marker: Marker) -> bool:
    """Write the marker over the room in this process's environment; False when there is none."""
    start, size = _environment_area()
    text, room = str(marker).encode(), str(ROOM).encode()
    offset = (b"\0" + ctypes.string_at(start, size)).find(b"\0" + room + b"\0")
    if offset < 0 or len(text) != len(room):
        return False
    ctypes.memmove(start + offset, text, len(text))
    return True


def _environment_area() -> tuple[int, int]:
    """Where the kernel keeps what this process was started with: address and size."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = (int(field) for field in fields[_ENVIRONMENT_FIELDS])
    return start, end - start
