"""Ranks ahead of their job, and the gang that forked them: what they do until it comes.

The gang is told of the job once, by its supervisor, and tells each rank. A rank that has taken the
job's marker says so, and goes on as any rank does.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from aimass_jupyter.host import installed_packages, write_record
from aimass_jupyter.launch.children import end_children
from aimass_jupyter.launch.forking import Newborn, fork, unbind
from aimass_jupyter.launch.gang import GangOrder, attend, be_rank, begin_gang, lead
from aimass_jupyter.launch.launchers import RankExit
from aimass_jupyter.launch.marking import mark
from aimass_jupyter.launch.meeting import meeting
from aimass_jupyter.launch.met_early import Agreement, agreements, may_meet_early, meet_early
from aimass_jupyter.launch.order import JobOrder, Marker
from aimass_jupyter.launch.preload import use_threads
from aimass_jupyter.launch.rehearsal import rehearse
from aimass_jupyter.training.rank import ENVIRONMENT

_MESSAGE_BYTES = 1 << 16
_READY, _MARKED = b"r", b"m"


def wait_as_gang(engine: str, np: int, channel: socket.socket, supervisor: int) -> int:
    """Be the gang: fork the ranks, wait for the job, then lead it."""
    first = contextlib.ExitStack()  # holds the meeting until the first attempt has ended
    places = first.enter_context(meeting(engine, np, 0, ""))
    ranks = list(_forked(engine, places))
    installed = installed_packages()
    message, descriptors = _wait(channel, ranks, stop=engine == "horovod")
    channel.close()
    if not message:
        return 1  # the ranks and the meeting end with this process
    gang = _take(message, supervisor)
    begin_gang(gang, *descriptors)
    if all(rank.take(message) for rank in ranks) and all(rank.marked() for rank in ranks):
        return lead(gang, partial(_attend_first, gang, ranks, first, installed))
    first.close()
    end_children()
    return lead(gang)  # one of them was gone: all begin anew


def _take(message: Mapping[str, Any], supervisor: int) -> GangOrder:
    """Become the gang of a job."""
    marker, folder = Marker.parse(message["marker"]), Path(message["folder"])
    mark(marker)
    unbind(supervisor)
    os.environ[marker.name] = marker.value
    os.chdir(folder)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # as in lead: none may be missed
    return GangOrder(JobOrder(**message["work"]), folder, dict(os.environ))


def _attend_first(
    gang: GangOrder,
    ranks: list[RankAhead],
    first: contextlib.ExitStack,
    installed: dict[str, Any],
) -> list[RankExit]:
    try:
        with contextlib.suppress(OSError):  # a full disk ends no job
            write_record(gang.folder / ENVIRONMENT, installed)
        return attend(gang.folder, 0, {rank.pid: rank.number for rank in ranks})
    finally:
        first.close()


class RankAhead:
    """A rank that waits for its job, as its gang sees it."""

    def __init__(
        self, engine: str, number: int, place: Mapping[str, str], agreement: Agreement | None
    ) -> None:
        self.number = number
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        keep = {theirs.fileno(), *(agreement.descriptors if agreement else ())}
        newborn = Newborn(
            f"aimass-rank-{number}", {**os.environ, **place}, Path.cwd(), keep, bound=True
        )  # fmt: skip
        self.pid = fork(newborn, partial(_wait_as_rank, engine, theirs, os.getpid(), agreement))
        theirs.close()

    def take(self, message: Mapping[str, Any]) -> bool:
        """Tell it of the job; False when it is gone."""
        try:
            os.kill(self.pid, signal.SIGCONT)  # our child, not collected: its pid is its own
            self.channel.send(json.dumps(message).encode())
        except OSError:
            return False
        return True

    def marked(self) -> bool:
        """Wait until it carries the job's marker; False when it ended before that."""
        said = self.channel.recv(1)
        if said == _READY:
            said = self.channel.recv(1)
        self.channel.close()
        return said == _MARKED


def _forked(engine: str, places: list[dict[str, str]]) -> Iterator[RankAhead]:
    meets = engine == "horovod" and may_meet_early()
    agreed = agreements(len(places)) if meets else []
    for number, place in enumerate(places):
        yield RankAhead(engine, number, place, agreed[number] if meets else None)
    for agreement in agreed:
        agreement.close()


def _wait(
    channel: socket.socket, ranks: list[RankAhead], *, stop: bool
) -> tuple[dict[str, Any], list[int]]:
    """Wait for the job; ranks that are ready are stopped meanwhile, as Horovod's never rest.

    Returns
    -------
    tuple
        What the supervisor said, empty when a rank ended instead; and the descriptor that came.
    """
    ready = 0
    with _selecting(channel, ranks) as selector:
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    content, descriptors, _, _ = socket.recv_fds(channel, _MESSAGE_BYTES, 1)
                    return (json.loads(content) if content else {}), descriptors
                if not key.data.channel.recv(1):
                    return {}, []
                ready += 1
                if stop and ready == len(ranks):
                    for rank in ranks:
                        os.kill(rank.pid, signal.SIGSTOP)


@contextmanager
def _selecting(channel: socket.socket, ranks: list[RankAhead]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ, None)
        for rank in ranks:
            selector.register(rank.channel, selectors.EVENT_READ, rank)
        yield selector


def _wait_as_rank(
    engine: str, channel: socket.socket, gang: int, agreement: Agreement | None
) -> None:
    """Be a rank: do all that no job changes, then wait for one."""
    use_threads(int(os.environ["OMP_NUM_THREADS"]))
    if agreement:
        meet_early(agreement, partial(rehearse, engine))
    elif may_meet_early():
        rehearse(engine)
    channel.send(_READY)
    content = channel.recv(_MESSAGE_BYTES)
    if not content:
        return
    message = json.loads(content)
    marker, folder = Marker.parse(message["marker"]), Path(message["folder"])
    mark(marker)
    unbind(gang)
    os.environ[marker.name] = marker.value
    if "TORCHELASTIC_RUN_ID" in os.environ:
        os.environ["TORCHELASTIC_RUN_ID"] = message["work"]["id"]
    os.chdir(folder)
    channel.send(_MARKED)
    channel.close()
    be_rank(folder, told=True)
