"""Ahead of a job: a supervisor whose ranks are forked, and have met, before there is an order.

Of the time from an order to the first step most goes into forks and into the ranks finding each
other; none of it depends on the job. So the warm launcher may have such a tree of processes wait
for the next job with the same engine and the same number of ranks. It does no work of anybody's: it
knows no job, and Horovod's ranks are stopped (SIGSTOP) while it waits.

Every process of it is killed when the one that forked it ends, until it carries a job's marker; so
whatever is killed, nothing stays behind. It leaves by itself when no job comes for a while.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from aimass_jupyter.launch.ahead_ranks import wait_as_gang
from aimass_jupyter.launch.children import adopt_orphans, end_children
from aimass_jupyter.launch.environment import job_environment
from aimass_jupyter.launch.forking import Newborn, fork, name_process
from aimass_jupyter.launch.launchers import GangLauncher, launcher_of
from aimass_jupyter.launch.order import JobOrder, Marker, Order
from aimass_jupyter.launch.plan import Plan

#: Well below what Horovod's ranks wait for each other: that time goes on while they are stopped.
AHEAD_SECONDS = 240.0
_SPARE_SECONDS = 5.0
_MESSAGE_BYTES = 1 << 16

Supervise = Callable[[Path, "GangAhead | None"], int]


@dataclass(frozen=True)
class Shape:
    """What a tree of processes must know of a job before it comes."""

    engine: str
    np: int

    def suits(self, work: JobOrder) -> bool:
        """Whether the ranks of a job are of this shape, and such as a gang forks."""
        alike = (work.engine, work.np, work.where) == (self.engine, self.np, "here")
        if not (alike and work.trains):
            return False
        launcher = launcher_of(work)
        return isinstance(launcher, GangLauncher) and launcher.forks(work)


class Ahead:
    """A supervisor that waits for its job, as the launcher that forked it sees it.

    Parameters
    ----------
    newborn
        What the supervisor is to be.
    supervise
        Supervises a folder, with the gang that is there already, if it is.
    """

    def __init__(self, shape: Shape, newborn: Newborn, supervise: Supervise) -> None:
        self.shape = shape
        self._until = time.monotonic() + AHEAD_SECONDS - _SPARE_SECONDS
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        keep = {*newborn.keep, theirs.fileno()}
        born = Newborn(newborn.name, newborn.environment, newborn.cwd, keep)
        fork(born, partial(_wait_for_folder, shape, theirs, supervise))
        theirs.close()

    @property
    def seconds_left(self) -> float:
        """How long it will be there for sure."""
        return self._until - time.monotonic()

    @property
    def fresh(self) -> bool:
        """Whether it will still be there in a moment."""
        return self.seconds_left > 0

    def give(self, folder: Path) -> bool:
        """Have it supervise a folder; False when it is gone. It is of no use afterwards."""
        try:
            self._channel.send(str(folder).encode())
        except OSError:
            return False
        finally:
            self.dismiss()
        return True

    def dismiss(self) -> None:
        """Have it leave, unless it was given a folder."""
        self._channel.close()


def _wait_for_folder(shape: Shape, channel: socket.socket, supervise: Supervise) -> int:
    """Be that supervisor: fork the gang, then wait for the folder."""
    os.setsid()
    adopt_orphans()
    gang = GangAhead(shape, job_environment(shape.np))
    folder = _heard(channel, gang)
    channel.close()
    if not folder:
        gang.dismiss()
        return 0
    os.chdir(folder)
    name_process("aimass-super")
    return supervise(Path(os.fsdecode(folder)), gang)


def _heard(channel: socket.socket, gang: GangAhead) -> bytes:
    """Wait for the folder; empty when nobody has one, or it is late.

    A gang that ends meanwhile is let go: the folder may come all the same.
    """
    deadline = time.monotonic() + AHEAD_SECONDS
    waited = [channel, gang.channel]
    while ready := select.select(waited, [], [], max(0.0, deadline - time.monotonic()))[0]:
        if channel in ready:
            return channel.recv(_MESSAGE_BYTES)
        gang.dismiss()
        waited = [channel]
    return b""


class GangAhead:
    """A gang that waits for its job, as its supervisor sees it."""

    def __init__(self, shape: Shape, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        newborn = Newborn(
            "aimass-gang", environment, Path.cwd(), keep={theirs.fileno()}, bound=True
        )  # fmt: skip
        be = partial(wait_as_gang, shape.engine, shape.np, theirs, os.getpid())
        self.pid = fork(newborn, be)
        self._waits = True
        theirs.close()

    def take(self, order: Order, plan: Plan, output: int) -> bool:
        """Have it run a job; False when it is not what the job needs, and then it is gone."""
        if not self._suits(order.marker, plan):
            self.dismiss()
        if plan.gang is None or not self._waits:
            return False
        message = {
            "folder": str(order.folder),
            "marker": str(order.marker),
            "work": asdict(plan.gang),
        }
        try:
            socket.send_fds(self.channel, [json.dumps(message).encode()], [output])
        except OSError:
            self.dismiss()
            return False
        self._waits = False
        return True

    def _suits(self, marker: Marker, plan: Plan) -> bool:
        """Whether the environment that its ranks began with is the job's."""
        return plan.environment == self._environment | {marker.name: marker.value}

    def dismiss(self) -> None:
        """End it, and all that it forked, if it waits still."""
        if not self._waits:
            return
        self._waits = False
        self.channel.close()
        os.kill(self.pid, signal.SIGKILL)  # a child that nobody has collected: its pid is its own
        end_children()
