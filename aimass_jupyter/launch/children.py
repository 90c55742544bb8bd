"""Child processes: adopted when their parents die, reaped, and ended to the last one."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from aimass_jupyter.host import identify, send_signal, stop_marked
from aimass_jupyter.launch.order import Marker

_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.02


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies (a child subreaper)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def reap() -> dict[int, int]:
    """Collect the children that ended: pid to exit code, negative for a signal."""
    ended = {}
    while _has_children():
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def end_all(marker: Marker, grace_seconds: float) -> dict[int, int]:
    """End everything with the marker, then every child that shed it; return when none is left.

    Returns
    -------
    dict
        The children that ended meanwhile: pid to exit code.
    """
    stop_marked(marker.name, marker.value, grace_seconds)
    return end_children()


def end_children() -> dict[int, int]:
    """Kill every child, and what it leaves to us, until none is left: pid to exit code."""
    ended = reap()
    while children := list(_children()):
        for pid in children:
            if identity := identify(pid):
                send_signal(identity, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
        ended |= reap()
    return ended


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _children() -> Iterator[int]:
    """The living children of this process, found by their parent's pid."""
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_bytes()
        except OSError:  # gone, or hidden from us: then it is no child of ours
            continue
        state, parent = stat.rpartition(b")")[2].split()[:2]  # a name may hold any bytes
        if int(parent) == os.getpid() and state not in b"ZX":
            yield int(entry.name)
