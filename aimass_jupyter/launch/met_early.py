"""Horovod met early: its ranks connect before their job comes, and nobody can tell.

Until somebody calls ``horovod.torch.init``, Horovod says that nobody has: a script that forgets to
fails here as everywhere. That call then finds the ranks connected. It is still a meeting of all of
them; should one have settings for Horovod that it lacked when they met, or ask for anything
special, all of them take the connection apart and make another.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection
from typing import Any

_SETTINGS = ("HOROVOD_", "NCCL_")
_SAME, _OTHER = b"=", b"!"
_SECONDS = 600.0  # what Horovod's ranks wait for each other
_ASK_NOTHING = ("_built", "_enabled")
_NUMBERS = "horovod_reduce_op_"


def may_meet_early() -> bool:
    """Whether it is certain that no GPU is touched by it, or by a rehearsal."""
    import torch

    return not torch.cuda.is_available()


class Agreement:
    """One rank's end of what lets all ranks of a host agree: rank 0 hears all and answers all."""

    def __init__(self, ends: Collection[socket.socket], *, hears: bool) -> None:
        self._ends = ends
        self._hears = hears

    @property
    def descriptors(self) -> set[int]:
        """What a fork must keep of it."""
        return {end.fileno() for end in self._ends}

    def agree(self, same: bool) -> bool:
        """Wait for all ranks; whether every one of them says ``same``."""
        mine = _SAME if same else _OTHER
        try:
            if self._hears:
                said = [self._heard(end) for end in self._ends]
                mine = _SAME if {mine, *said} == {_SAME} else _OTHER
            for end in self._ends:
                end.send(mine)
            return mine == _SAME if self._hears else {self._heard(e) for e in self._ends} == {_SAME}
        except OSError:  # one ended, or does not come: Horovod says so in its own way
            return False

    def _heard(self, end: socket.socket) -> bytes:
        end.settimeout(_SECONDS)
        return end.recv(1)

    def close(self) -> None:
        for end in self._ends:
            end.close()


def agreements(size: int) -> list[Agreement]:
    """An end for each rank."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(size - 1)]
    others = [Agreement([theirs], hears=False) for _, theirs in pairs]
    return [Agreement([ours for ours, _ in pairs], hears=True), *others]


def meet_early(agreement: Agreement, rehearse: Callable[[], None]) -> None:
    """Connect with the other ranks, rehearse with them, and hide it until ``init`` is called."""
    from horovod.torch import mpi_ops

    basics = mpi_ops._basics  # noqa: SLF001 - what all of its functions go through
    basics.init()
    rehearse()
    library, settings = basics.MPI_LIB_CTYPES, _settings()

    def init(comm: Any = None, process_sets: Any = None) -> None:
        """Stand in for Horovod's ``init``, once."""
        basics.MPI_LIB_CTYPES = library
        del basics.init
        same = not comm and not process_sets and _settings() == settings
        if not agreement.agree(same):
            basics.shutdown()
            agreement.agree(same=True)  # nobody asks for a place before all have left theirs
        agreement.close()
        basics.init(comm, process_sets)  # does nothing where all are connected

    basics.init = init
    basics.MPI_LIB_CTYPES = _Uninitialised(library)


class _Uninitialised:
    """Horovod's library as it answers before ``init``."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        if name.endswith(_ASK_NOTHING) or name.startswith(_NUMBERS):
            return getattr(self._library, name)
        answer = 0 if name == "horovod_is_initialized" else -1
        return lambda *_: answer


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_SETTINGS)}
