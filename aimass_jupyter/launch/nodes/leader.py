"""The leader: ``python -m aimass_jupyter.launch.nodes.leader FOLDER`` runs a job on its nodes.

It runs beside the control plane, under the job's supervisor. It checks the nodes, ships what they
lack, has each run its part, keeps all that they write in the job's folder, and says which ranks
failed. A node that is not heard for ten seconds, or that another one cannot reach, is lost. An
elastic job follows the table of its cluster's hosts: it goes on without a node that leaves, and
with one that joins, from a checkpoint that is made for that.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter.host import forget_beats, read_record, write_notice, write_record
from aimass_jupyter.launch.causes import forget_failures
from aimass_jupyter.launch.launchers import GANG_RECORD, RankExit
from aimass_jupyter.launch.leaving import KEEP_SECONDS, STOP_RECORD
from aimass_jupyter.launch.nodes.attempt import Attempt
from aimass_jupyter.launch.nodes.hosts import Hosts, Place
from aimass_jupyter.launch.order import JobOrder, read_job
from aimass_jupyter.launch.restarts import Restarts, who_go_on

_POLL_SECONDS = 0.1


@dataclass
class Leader:
    """One job.

    Attributes
    ----------
    hosts
        Its nodes as they are now; elastic jobs go on with others.
    """

    folder: Path
    spec: dict[str, Any]
    work: JobOrder
    hosts: Hosts
    stopping: bool = False
    attempts: int = 0

    def run(self) -> int:
        """Run the job, again when it fails and may be restarted; its exit code."""
        restarts = Restarts(self.folder, self.work)
        while True:
            attempt = Attempt(self.folder, self.spec, self.hosts.places, self.attempts)
            exits = attempt.run(lambda: self.stopping, self._why_give_way)
            write_record(self.folder / GANG_RECORD, _as_record(self.attempts, exits))
            self.attempts += 1
            if attempt.given_way and self._asked_to_leave():
                self._wait_for_the_end()
            if self.stopping:
                return 128 + signal.SIGTERM
            if attempt.given_way:
                self._follow()
                continue
            if not exits:
                return 0
            if not self._go_on(restarts, attempt.lost, exits):
                return 1

    def _why_give_way(self) -> str:
        """Why the attempt that runs is to end, its state kept; empty while it is not."""
        if self._asked_to_leave():
            return "it is asked to leave"
        return "its hosts change" if self._hosts_changed() else ""

    def _hosts_changed(self) -> bool:
        return self.work.elastic and self.hosts.changed()

    def _asked_to_leave(self) -> bool:
        """Whether the job is to end once its state is kept."""
        record = self.folder / STOP_RECORD
        return record.exists() and bool((read_record(record) or {}).get("keep"))

    def _wait_for_the_end(self) -> None:
        """The state is kept: our supervisor sees that, and ends us."""
        deadline = time.monotonic() + KEEP_SECONDS
        while not self.stopping and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _follow(self) -> None:
        """Take the hosts that the table has now; that is no failure."""
        said = self.hosts.follow()
        ranks = sum(place["ranks"] for place in self.hosts.places)
        text = f"its hosts changed ({said}): {who_go_on(ranks)} from the newest checkpoint"
        print(text, flush=True)
        with contextlib.suppress(OSError):  # a full disk ends no job that could go on
            write_notice(self.folder, f"hosts-{self.attempts:04d}", text)
        forget_failures(self.folder)
        forget_beats(self.folder)

    def _go_on(self, restarts: Restarts, lost: set[str], exits: list[RankExit]) -> bool:
        """Whether it is tried again; then with the places that are left."""
        left = self._places_left(lost, exits)
        ranks = sum(place["ranks"] for place in left)
        before = sum(place["ranks"] for place in self.hosts.places)
        if restarts.next_np(before, exits, ranks) is None:
            return False
        self.hosts.go_on_with(left, lost)
        if self._hosts_changed():
            self._follow()
        return True

    def _places_left(self, lost: set[str], exits: Sequence[RankExit]) -> list[Place]:
        """An elastic job goes on without the nodes that are lost, or without the failed rank."""
        places = self.hosts.places
        left = [place for place in places if place["node"] not in lost]
        if not lost and exits[0].rank is not None:
            left = without_rank(places, exits[0].rank)
        enough = sum(place["ranks"] for place in left) >= self.work.least
        return left if self.work.elastic and enough else places


def without_rank(places: Sequence[Place], rank: int) -> list[Place]:
    """The places with one rank less where that one was."""
    left, first = [], 0
    for place in places:
        here = first <= rank < first + place["ranks"]
        ranks = place["ranks"] - here
        first += place["ranks"]
        if ranks:
            left.append(place | {"ranks": ranks})
    return left


def _as_record(attempt: int, exits: Sequence[RankExit]) -> dict[str, Any]:
    ended = [{"rank": found.rank, "code": found.code} for found in exits]
    return {"attempt": attempt, "pids": [], "exits": ended}


def main(folder: Path) -> int:
    """Lead the job of a folder."""
    spec = read_record(folder / "spec.json") or {}
    leader = Leader(folder, spec, read_job(folder), Hosts(folder, spec["places"]))

    def stop(*_: object) -> None:
        leader.stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return leader.run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
