"""Large pages: a process of many small ones takes ten times as long to fork."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

_MADV_COLLAPSE = 25  # madvise(2), Linux 6.1
_LARGE_BYTES = 1 << 21


def use_large_pages() -> int:
    """Have the kernel put this process's own memory into large pages; returns how many it made.

    An older kernel makes none, and a fork takes the longer.
    """
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return sum(
        madvise(start, _LARGE_BYTES, _MADV_COLLAPSE) == 0
        for area in list(_own_areas())
        for start in area
    )


def _own_areas() -> Iterator[range]:
    """Where large pages would begin, in each writable area that no file is behind (proc(5))."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, *_, last = line.split()
        if "w" in rights and (last == "[heap]" or last == "0"):
            start, end = (int(address, 16) for address in addresses.split("-"))
            first = -(-start // _LARGE_BYTES) * _LARGE_BYTES
            yield range(first, end - _LARGE_BYTES + 1, _LARGE_BYTES)
