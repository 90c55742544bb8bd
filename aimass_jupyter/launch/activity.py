"""Whether a process does anything: what its main thread computes, what it moves to and from disks.

For processes that say nothing of themselves. It reads ``/proc`` and signals nobody. The main thread
alone counts, with the processes that it started: Horovod's own thread keeps a core busy while all
wait. So may the main thread then; whether it does is for the caller to find out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BUSY = 0.2  # of a core: a main thread that waits may poll with a few hundredths of one
_MOVED_BYTES = 256 << 10  # more than its stacks, which it writes when it is asked
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class _Seen:
    at: float
    computed: float
    moved: int
    active_at: float


class Activity:
    """Remembers when each process, with those that it started, last did anything.

    Parameters
    ----------
    every_seconds
        How often it looks; shorter stretches tell less on a machine with much to do.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._seen: dict[int, _Seen] = {}

    def last(self, pid: int, now: float, waits: Callable[[], bool]) -> float:
        """When the process was last seen active (monotonic); at first, now.

        Parameters
        ----------
        waits
            Whether one that computes does so because it waits; asked only then.
        """
        before = self._seen.get(pid)
        if before is not None and now - before.at < self._every:
            return before.active_at
        computed, moved = _spent(pid)
        if before is None:
            self._seen[pid] = _Seen(now, computed, moved, now)
            return now
        busy = computed - before.computed >= BUSY * (now - before.at)
        active = moved - before.moved >= _MOVED_BYTES or (busy and not waits())
        active_at = now if active else before.active_at
        self._seen[pid] = _Seen(now, computed, moved, active_at)
        return active_at


def _spent(pid: int) -> tuple[float, int]:
    """CPU seconds and bytes of disks, of a process and of what it started."""
    computed, moved = 0.0, 0
    for one in _tree(pid):
        thread = f"task/{one}/" if one == pid else ""
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{one}/{thread}stat").read_text().rpartition(")")[2].split()
            computed += sum(map(int, fields[11:15])) / _TICKS
            io = dict(line.split(": ") for line in Path(f"/proc/{one}/io").read_text().splitlines())
            moved += int(io["read_bytes"]) + int(io["write_bytes"])
    return computed, moved


def _tree(pid: int) -> Iterator[int]:
    """The process, and those that it started and that are there."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
