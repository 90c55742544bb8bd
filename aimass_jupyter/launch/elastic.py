"""Elastic jobs on Horovod: ``python -m aimass_jupyter.launch.elastic FOLDER``.

Horovod's own elastic driver decides who belongs to the job. It needs threads, so it is a process
of its own; the ranks are forked, as everywhere, by one that has imported all and has no second
thread: the nursery. To Horovod each rank is a host, by an alias of this one, for it gives up on a
whole host when a rank of it dies.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import select
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.gang import GangOrder, fork_rank, record_ranks
from aimass_jupyter.launch.launchers import RankExit
from aimass_jupyter.launch.meeting import LOOPBACK
from aimass_jupyter.launch.order import JobOrder, read_job
from aimass_jupyter.launch.preload import preload
from aimass_jupyter.launch.restarts import Restarts

_COOLDOWN_SECONDS = (1, 4)  # before a rank takes the place of one that died
_PATIENCE_SECONDS = 60
_MESSAGE_BYTES = 1 << 18
_POLL_SECONDS = 0.2


def main(folder: Path) -> int:
    """Import all, fork the driver, then fork ranks as it says until it ends."""
    environment = dict(os.environ)
    work = read_job(folder)
    preload(work.engine, own_code=False)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    newborn = Newborn("aimass-driver", environment, folder, keep={theirs.fileno()})
    driver = fork(newborn, partial(_drive, theirs, work, folder))
    theirs.close()
    return Nursery(ours, driver, GangOrder(work, folder, environment)).serve()


@dataclass(frozen=True)
class _Child:
    number: int
    rank: int
    pid: int


class Nursery:
    """Forks ranks on request, and tells how they end."""

    def __init__(self, channel: socket.socket, driver: int, order: GangOrder) -> None:
        self._channel = channel
        self._order = order
        self._driver = driver
        self._children: dict[int, _Child] = {}  # by pidfd
        self._exits: list[RankExit] = []
        self._unwanted: set[int] = set()
        self._poll = select.poll()

    def serve(self) -> int:
        """Return when the driver has ended: its exit code. No rank is left then."""
        driver = os.pidfd_open(self._driver)
        for descriptor in (self._channel.fileno(), driver):
            self._poll.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in self._poll.poll()]
            for descriptor in ready:
                if descriptor in self._children:
                    self._bury(descriptor)
                elif descriptor != driver:
                    self._obey()
            if driver in ready:
                return self._close()

    def _obey(self) -> None:
        content = self._channel.recv(_MESSAGE_BYTES)
        if not content:
            self._poll.unregister(self._channel.fileno())
            return
        message = json.loads(content)
        if "environment" in message:
            self._fork(message["number"], message["rank"], message["environment"])
        else:
            self._end(message["number"])

    def _fork(self, number: int, rank: int, place: Mapping[str, str]) -> None:
        pid = fork_rank(self._order, rank, place)
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = _Child(number, rank, pid)
        self._poll.register(descriptor, select.POLLIN)
        self._record([])

    def _end(self, number: int) -> None:
        self._unwanted.add(number)
        for child in self._children.values():
            if child.number == number:
                os.kill(child.pid, signal.SIGKILL)  # our child: its pid is its own

    def _bury(self, descriptor: int) -> None:
        child = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        if code and child.number not in self._unwanted:
            self._exits.append(RankExit(child.rank, code))
        self._channel.send(json.dumps({"number": child.number, "code": code}).encode())

    def _close(self) -> int:
        code = os.waitstatus_to_exitcode(os.waitpid(self._driver, 0)[1])
        for child in self._children.values():
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        self._record(self._exits[-1:] if code else [])
        return code if code >= 0 else 128 - code

    def _record(self, exits: list[RankExit]) -> None:
        ranks = {child.pid: child.rank for child in self._children.values()}
        record_ranks(self._order.folder, 0, ranks, exits)


class Crew:
    """The ranks as the driver sees them: one of its threads waits for each."""

    def __init__(self, channel: socket.socket, work: JobOrder, restarts: Restarts) -> None:
        self._channel = channel
        self._numbers = itertools.count()
        self._ended: dict[int, queue.Queue[int]] = {}
        self._lock = threading.Lock()
        self._restarts = restarts
        self._work = work
        self._hosts = dict.fromkeys(aliases(work.np), 1)
        self.driver: Any = None
        self.discovery: Any = None
        self.environment: dict[str, str] = {}
        threading.Thread(target=self._listen, name="nursery", daemon=True).start()

    @property
    def hosts(self) -> dict[str, int]:
        """The aliases that may still have a rank, each with one slot."""
        return dict(self._hosts)

    def run_rank(self, slot: Any, events: list[threading.Event]) -> tuple[int, float]:
        """Have a rank forked and wait for its end; the driver calls it, in a thread of its own."""
        from horovod.runner.gloo_run import create_slot_env_vars

        number = next(self._numbers)
        ended = self._ended[number] = queue.Queue()
        place = {**self.environment, **create_slot_env_vars(slot)}
        self._send({"number": number, "rank": slot.rank, "environment": place})
        code, unwanted = self._wait(number, ended, events)
        if code and not unwanted:
            self._lose(slot, code)
        return code, time.time()

    def _wait(
        self, number: int, ended: queue.Queue[int], events: list[threading.Event]
    ) -> tuple[int, bool]:
        unwanted = False
        while True:
            try:
                return ended.get(timeout=_POLL_SECONDS), unwanted
            except queue.Empty:
                if not unwanted and any(event.is_set() for event in events):
                    unwanted = True
                    self._send({"number": number})

    def _lose(self, slot: Any, code: int) -> None:
        """A rank died: another takes its place, or the rest go on without, or all end."""
        with self._lock:
            if self.driver.finished():
                return
            rank = self.driver.get_slot_info(slot.hostname, slot.local_rank).rank
            exits = [RankExit(rank if rank >= 0 else slot.rank, code)]
            if self._restarts.next_np(len(self._hosts), exits) is None:
                self.driver.stop(error_message=f"rank {slot.rank} cannot be replaced")
            elif self._restarts.count > self._work.max_restarts:
                self._hosts.pop(slot.hostname, None)
                self.discovery.set(self.hosts)

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.send(json.dumps(message).encode())

    def _listen(self) -> None:
        while content := self._channel.recv(_MESSAGE_BYTES):
            message = json.loads(content)
            self._ended[message["number"]].put(message["code"])


def aliases(count: int) -> list[str]:
    """Names of this host, as many as there are ranks: all of 127.0.0.0/8 is."""
    return ["localhost", *(f"127.0.{n // 250}.{n % 250 + 1}" for n in range(count - 1))]


def _drive(channel: socket.socket, work: JobOrder, folder: Path) -> int:
    """Be Horovod's elastic driver until the job has ended; returns its exit code."""
    from horovod.runner.elastic.discovery import FixedHosts
    from horovod.runner.elastic.driver import ElasticDriver
    from horovod.runner.elastic.rendezvous import create_rendezvous_handler
    from horovod.runner.gloo_run import create_run_env_vars
    from horovod.runner.http.http_server import RendezvousHTTPServer, RendezvousServer

    RendezvousHTTPServer.server_bind = bind_loopback
    # The cooldown is the back-off.
    restarts = Restarts(folder, work, wait=lambda _: None, live=True)
    crew = Crew(channel, work, restarts)
    crew.discovery = FixedHosts(crew.hosts)
    rendezvous = RendezvousServer()
    crew.driver = ElasticDriver(
        rendezvous, crew.discovery, work.least, work.np, timeout=_PATIENCE_SECONDS,
        cooldown_range=_COOLDOWN_SECONDS,
    )  # fmt: skip
    port = rendezvous.start(create_rendezvous_handler(crew.driver))
    run = create_run_env_vars(LOOPBACK, ["lo"], port, elastic=True)
    crew.environment = {name: str(value) for name, value in run.items()}
    crew.driver.start(work.np, crew.run_rank)
    results = crew.driver.get_results()
    codes = [code for code, _ in results.worker_results.values()]
    return 0 if codes and not any(codes) and not results.error_message else 1


def bind_loopback(server: socketserver.TCPServer) -> None:
    """Bind a server to its port on loopback, whatever address it was made with."""
    server.server_address = (LOOPBACK, server.server_address[1])
    socketserver.TCPServer.server_bind(server)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
