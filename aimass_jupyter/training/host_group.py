"""The ranks of one host: memory that they share, and a barrier between them.

A barrier is one byte from each rank to each other, through pipes: whoever waits sleeps in the
kernel, and sees at once when a rank that it waits for has died. Memory and pipes have no name in
any folder, so nothing is left behind however the ranks end.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import select
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aimass_jupyter.training.failure import Disconnected, together

if TYPE_CHECKING:
    from aimass_jupyter.training.engine import Engine

MOST_RANKS = 64  # each holds a pipe to each other
_PATIENCE_SECONDS = 1800.0  # what torch's own collectives wait; a hang is told long before
_FLOAT_BYTES = 4
_GONE = "the connection to the other ranks broke: "


class HostGroup:
    """All ranks, on one host; :func:`meet_on_host` makes one.

    Attributes
    ----------
    rank, size
        Of this process, and how many there are.
    """

    def __init__(self, rank: int, inbox: int, outboxes: dict[int, int], pids: list[int]) -> None:
        self.rank = rank
        self.size = len(pids)
        self._inbox = inbox
        self._outboxes = outboxes
        self._pids = pids
        self._alive = {os.pidfd_open(pids[other]): other for other in outboxes}
        self._poll = select.poll()
        for descriptor in (inbox, *self._alive):
            self._poll.register(descriptor, select.POLLIN)
        self._arrived = [0] * self.size
        self._barriers = 0

    def barrier(self, name: str) -> None:
        """Return when all ranks have come here; ``name`` says what for.

        Raises
        ------
        Disconnected
            When one has died, or does not come.
        """
        self._barriers += 1
        with together(name):
            for other, outbox in self._outboxes.items():
                self._greet(other, outbox)
            until = time.monotonic() + _PATIENCE_SECONDS
            while self._missing():
                self._hear(until)

    def share(self, engine: Engine, lengths: list[int]) -> list[Tensor]:
        """Return vectors of float32 zeros that all ranks see; a collective call."""
        starts, size = _laid_out(lengths)
        own = os.memfd_create("aimass-ranks", os.MFD_CLOEXEC) if self.rank == 0 else -1
        try:
            if self.rank == 0:
                os.ftruncate(own, size)
            theirs = int(engine.gather(torch.tensor([own]))[0])
            memory = self._mapped(own, theirs, size)
            self.barrier("the sharing of memory")  # rank 0 keeps it open until all have it
        finally:
            if self.rank == 0:
                os.close(own)
        return [
            torch.frombuffer(memory, dtype=torch.float32, count=length, offset=start)
            for length, start in zip(lengths, starts, strict=True)
        ]

    def close(self) -> None:
        """Let go of the pipes; memory goes with the last tensor in it."""
        for descriptor in (self._inbox, *self._outboxes.values(), *self._alive):
            os.close(descriptor)
        self._outboxes, self._alive = {}, {}

    def _mapped(self, own: int, theirs: int, size: int) -> mmap.mmap:
        if self.rank == 0:
            return mmap.mmap(own, size)
        descriptor = os.open(_path(self._pids[0], theirs), os.O_RDWR | os.O_CLOEXEC)
        try:
            return mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    def _greet(self, other: int, outbox: int) -> None:
        try:
            os.write(outbox, bytes([self.rank]))
        except BrokenPipeError:
            raise Disconnected(f"{_GONE}rank {other} is gone") from None

    def _missing(self) -> bool:
        return any(self._arrived[other] < self._barriers for other in self._outboxes)

    def _hear(self, until: float) -> None:
        """Take in who has come; look for who is dead only when nobody has."""
        ready = [descriptor for descriptor, _ in self._poll.poll(1000)]
        if self._inbox in ready:
            for other in os.read(self._inbox, 4096):
                self._arrived[other] += 1
            return
        for descriptor in ready:
            self._bury(descriptor)
        if time.monotonic() > until:
            raise Disconnected(f"{_GONE}another rank did not come")

    def _bury(self, descriptor: int) -> None:
        """A rank that came here and ended is done; one that did not come never will."""
        other = self._alive[descriptor]
        if self._arrived[other] < self._barriers:
            raise Disconnected(f"{_GONE}rank {other} is gone")
        self._poll.unregister(descriptor)


def meet_on_host(engine: Engine) -> HostGroup | None:
    """Return the group of all ranks; None when they are not all here, or cannot share memory.

    A collective call: all ranks get a group or none does.
    """
    place = engine.place
    here = place.local_size == place.size and engine.device.type == "cpu"
    if not here or not 1 < place.size <= MOST_RANKS:
        return None
    inbox, own = os.pipe()
    try:
        met = engine.gather(torch.tensor([[os.getpid(), own]])).tolist()
        outboxes = _opened(met, place.rank)
        agreed = torch.tensor([float(outboxes is not None)])
        engine.add(agreed)
    finally:
        os.close(own)
    if outboxes is None or int(agreed) < place.size:
        for descriptor in (inbox, *(outboxes or {}).values()):
            os.close(descriptor)
        return None
    return HostGroup(place.rank, inbox, outboxes, [pid for pid, _ in met])


def _opened(met: list[list[int]], rank: int) -> dict[int, int] | None:
    """The other ranks' pipes, opened to write; None where this system does not allow it."""
    outboxes: dict[int, int] = {}
    try:
        for other, (pid, descriptor) in enumerate(met):
            if other != rank:
                outboxes[other] = os.open(_path(pid, descriptor), os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ESRCH):
            raise
        for outbox in outboxes.values():
            with contextlib.suppress(OSError):
                os.close(outbox)
        return None
    return outboxes


def _path(pid: int, descriptor: int) -> str:
    return f"/proc/{pid}/fd/{descriptor}"


def _laid_out(lengths: list[int]) -> tuple[list[int], int]:
    """Where each vector begins, on a page of its own, and the bytes of all."""
    starts, size = [], 0
    for length in lengths:
        starts.append(size)
        size += -(-length * _FLOAT_BYTES // mmap.PAGESIZE) * mmap.PAGESIZE
    return starts, size
