"""Elastic training on Horovod: ranks come and go, and those that stay go on in their process.

Horovod's elastic run begins the loop anew after each change. What rank 0 holds then, always a rank
that was there before, is sent to all; no step that was done is lost.
"""

from __future__ import annotations

import os
import socketserver
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aimass_jupyter.host import begin_heartbeat, end_heartbeat
from aimass_jupyter.training.failure import Disconnected, NotANumber
from aimass_jupyter.training.live import InMemory, Point
from aimass_jupyter.training.place import Place

_LOOPBACK = "127.0.0.1"
_STEPS_A_LOOK = 32  # to look for newcomers is a collective call


def is_elastic() -> bool:
    """Whether Horovod's elastic driver started this process."""
    return os.environ.get("HOROVOD_ELASTIC") == "1"


class _Attentive(InMemory):
    """Lets newcomers in at the end of a step, now and then."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def step(self, before: int, done: int, point: Point) -> None:
        super().step(before, done, point)
        if done % _STEPS_A_LOOK == 0:
            self._look()


def train_elastically(
    folder: Path,
    train: Callable[[Place, InMemory], None],
    open_log: Callable[[Path, int], None],
) -> None:
    """Run ``train`` with the ranks that are there, again whenever others are.

    Parameters
    ----------
    train
        Trains as a rank; goes on from what it is given.
    open_log
        Points this process's output at a rank's log.
    """
    import horovod.torch as horovod
    from horovod.common.exceptions import HorovodInternalError

    _stay_on_loopback()
    horovod.init()
    state = _make_state(horovod)
    live = _Attentive(state.check_host_updates)
    was: list[int] = []

    def attempt(_: object) -> None:
        place = _place(horovod)
        _move(folder, was, place, open_log)
        try:
            train(place, live)
        except NotANumber:
            raise
        except Disconnected as lost:
            print(f"rank {place.rank} goes on with those that are left: {lost}")
            raise HorovodInternalError(str(lost)) from lost
        finally:
            live.leave()

    horovod.elastic.run(attempt)(state)


def _make_state(horovod: Any) -> Any:
    """What Horovod wants of a state; ours is sent round by the loop itself."""
    from horovod.common.elastic import State

    class Elsewhere(State):  # type: ignore[misc]
        def save(self) -> None: ...

        def restore(self) -> None: ...

        def sync(self) -> None: ...

    return Elsewhere(bcast_object=horovod.broadcast_object, get_rank=horovod.rank)


def _place(horovod: Any) -> Place:
    """Every rank is a host of its own to Horovod; to us they are all here."""
    rank, size = horovod.rank(), horovod.size()
    return Place(rank, size, rank, size)


def _move(
    folder: Path, was: list[int], place: Place, open_log: Callable[[Path, int], None]
) -> None:
    """Be another rank, in the log and to whoever looks for heartbeats."""
    for rank in was:
        end_heartbeat(folder, rank)
    was[:] = [place.rank]
    open_log(folder, place.rank)
    begin_heartbeat(folder, place.rank)


class _LoopbackServer(socketserver.ThreadingTCPServer):
    def server_bind(self) -> None:
        self.server_address = (_LOOPBACK, self.server_address[1])
        super().server_bind()


def _stay_on_loopback() -> None:
    """Horovod has each rank listen for news of its driver, by itself on every interface."""
    from horovod.runner.common.util import network

    network.socketserver = SimpleNamespace(
        ThreadingTCPServer=_LoopbackServer,
        StreamRequestHandler=socketserver.StreamRequestHandler,
    )
