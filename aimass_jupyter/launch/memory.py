"""Memory: how much the ranks of a job take, and the end of one that takes more than was asked for.

What counts is what a rank has written to: its own pages and shared memory, with those of the
processes that it started. Files that are mapped (a dataset, a library) are the kernel's to keep or
drop, and do not count. So it is the same whether a rank was forked or started.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aimass_jupyter.host import identify, read_beats, read_record, send_signal, write_record
from aimass_jupyter.launch.launchers import GANG_RECORD

LOOK_SECONDS = 1.0
_OWN = ("RssAnon:", "RssShmem:")
_SHARED_OUT = ("Pss_Anon:", "Pss_Shmem:")


class MemoryWatch:
    """Looks at the ranks of one job on this machine, and keeps the most that one of them took.

    Parameters
    ----------
    limit_bytes
        What each rank asked for; 0 is no limit.
    say
        Takes text for the job's log.
    """

    def __init__(self, folder: Path, limit_bytes: int, say: Callable[[str], object]) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._say = say
        self._next_look = 0.0
        self.peak_bytes = 0

    def look(self, child: int) -> None:
        """Look once a second; call it as often as you like.

        Parameters
        ----------
        child
            The process that was started for the job: it stands for the one rank where there is no
            record of ranks.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        for rank, pid in self._ranks(child).items():
            taken = memory_of(pid)
            self.peak_bytes = max(self.peak_bytes, taken)
            if 0 < self._limit < taken:
                self._end(rank, pid, taken)

    def _ranks(self, child: int) -> dict[int, int]:
        """The pid of each rank."""
        if pids := (read_record(self._folder / GANG_RECORD) or {}).get("pids"):
            return dict(enumerate(pids))
        beats = {beat.rank: beat.pid for beat in read_beats(self._folder)}
        return beats or {0: child}

    def _end(self, rank: int, pid: int, taken: int) -> None:
        """Say why, then end the rank: the others follow."""
        message = (
            f"rank {rank} took {_words(taken)} of memory, more than the {_words(self._limit)} of "
            f"--memory: give it more, or take smaller batches"
        )
        self._say(message)
        record = {
            "rank": rank,
            "type": "MemoryError",
            "message": message,
            "cause": "out-of-memory",
            "foreseen": True,
            "disconnected": False,
            "host": socket.gethostname(),
            "time": time.time(),
        }
        with contextlib.suppress(OSError):  # a full disk: the log says it
            write_record(self._folder / f"failure-rank-{rank}.json", record)
        if identity := identify(pid):
            send_signal(identity, signal.SIGKILL)


def memory_of(pid: int) -> int:
    """Bytes that a process and those that it started take together; 0 when it is gone.

    Pages that several of them have are counted once.
    """
    tree = list(_tree(pid))
    if len(tree) == 1:
        return _sum(Path(f"/proc/{pid}/status"), _OWN)
    return sum(_sum(Path(f"/proc/{one}/smaps_rollup"), _SHARED_OUT) for one in tree)


def _tree(pid: int) -> Iterator[int]:
    """A process and all that came of it."""
    yield pid
    with contextlib.suppress(OSError):  # it ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text().split():
                    yield from _tree(int(child))


def _sum(path: Path, fields: tuple[str, ...]) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:  # it ended, or is another user's
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(fields))


def _words(size: int) -> str:
    return f"{size / (1 << 30):.3g} GB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MB"
