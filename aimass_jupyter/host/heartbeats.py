"""Heartbeats: each rank says in a small shared file which step it is at and whom it waits for.

The file is mapped into memory, so a beat costs a microsecond and no system call, and it can be read
though the rank is stopped. Times are of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import contextlib
import faulthandler
import mmap
import os
import signal
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

QUIET = -2  # steps of a rank that need not have any
STACK_SIGNAL = signal.SIGUSR2  # a process with a heartbeat answers it with its stack

_FOLDER = "beats"
_WHO = struct.Struct("<qd")  # pid, monotonic time of the first beat
_STEP = struct.Struct("<qd")  # steps done, monotonic time of the last
_WAIT = struct.Struct("<qdB60s")  # collectives entered, when, how long its name is, its name
_STEP_AT, _WAIT_AT, _INSIDE_AT = 16, 32, 120
_SIZE = 128


class Heartbeat:
    """The heartbeat of this process, as rank ``rank`` of the job in ``folder``."""

    def __init__(self, folder: Path, rank: int) -> None:
        path = folder / _FOLDER / f"rank-{rank}"
        path.parent.mkdir(exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)  # a hole on a full disk would be a SIGBUS
            self._memory = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        self._entered = 0
        now = time.monotonic()
        self._memory[:] = bytes(_SIZE)
        _STEP.pack_into(self._memory, _STEP_AT, -1, now)
        _WHO.pack_into(self._memory, 0, os.getpid(), now)

    def step(self, done: int) -> None:
        """Say that so many steps are done."""
        _STEP.pack_into(self._memory, _STEP_AT, done, time.monotonic())

    def enter(self, name: str) -> None:
        """Say that this rank waits for all others in a collective."""
        self._entered += 1
        text = name.encode()[:60]
        _WAIT.pack_into(
            self._memory, _WAIT_AT, self._entered, time.monotonic(), len(text), text
        )  # fmt: skip
        self._memory[_INSIDE_AT] = 1

    def leave(self) -> None:
        """Say that it waits no longer."""
        self._memory[_INSIDE_AT] = 0


@dataclass(frozen=True)
class Beat:
    """What a rank's heartbeat says.

    Attributes
    ----------
    steps
        That are done; -1 before the first one, ``QUIET`` while there need not be one.
    collective
        Which it waits in; empty when it is in none.
    """

    rank: int
    pid: int
    steps: int
    beaten_at: float
    collectives: int
    entered_at: float
    collective: str


def read_beats(folder: Path) -> list[Beat]:
    """The heartbeats of a job's ranks, by rank."""
    found = (_read(path) for path in (folder / _FOLDER).glob("rank-*"))
    return sorted((beat for beat in found if beat), key=lambda beat: beat.rank)


def forget_beats(folder: Path) -> None:
    """Take away the heartbeats of an earlier attempt."""
    for path in (folder / _FOLDER).glob("rank-*"):
        path.unlink(missing_ok=True)


def _read(path: Path) -> Beat | None:
    with contextlib.suppress(OSError):
        content = path.read_bytes()
        if len(content) >= _SIZE:
            return _parse(int(path.name.removeprefix("rank-")), content)
    return None


def _parse(rank: int, content: bytes) -> Beat | None:
    pid, _ = _WHO.unpack_from(content, 0)
    steps, beaten_at = _STEP.unpack_from(content, _STEP_AT)
    collectives, entered_at, length, name = _WAIT.unpack_from(content, _WAIT_AT)
    inside = name[:length].decode(errors="replace") if content[_INSIDE_AT] else ""
    return Beat(rank, pid, steps, beaten_at, collectives, entered_at, inside) if pid else None


_own: Heartbeat | None = None
_stack_file: IO[str] | None = None  # kept open: the signal writes to its descriptor


def stack_path(folder: Path, rank: int) -> Path:
    """Where a rank writes its stack when it is asked."""
    return folder / _FOLDER / f"stack-{rank}"


def begin_heartbeat(folder: Path, rank: int) -> None:
    """Let this process have a heartbeat; a full disk leaves it without."""
    global _own, _stack_file
    with contextlib.suppress(OSError):
        _own = Heartbeat(folder, rank)
        _stack_file = stack_path(folder, rank).open("a")
        faulthandler.register(STACK_SIGNAL, _stack_file, all_threads=True)


def end_heartbeat(folder: Path, rank: int) -> None:
    """There are no more steps: nobody shall wait for one."""
    global _own
    _own = None
    (folder / _FOLDER / f"rank-{rank}").unlink(missing_ok=True)


def expect_no_steps() -> None:
    """There need not be steps: until the first one, only a rank that does nothing is missed."""
    beat(QUIET)


def beat(steps: int) -> None:
    """Say that so many steps are done, if this process has a heartbeat."""
    if _own:
        _own.step(steps)


@contextlib.contextmanager
def waiting(name: str) -> Iterator[None]:
    """Say that this process waits for the other ranks as long as this lasts."""
    if _own:
        _own.enter(name)
    try:
        yield
    finally:
        if _own:
            _own.leave()
