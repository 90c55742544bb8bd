"""An attempt: all parts of a job, run once on their nodes."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aimass_jupyter.host import read_record, write_record
from aimass_jupyter.launch.launchers import RankExit
from aimass_jupyter.launch.nodes.checks import check, peers_of
from aimass_jupyter.launch.nodes.frames import Message
from aimass_jupyter.launch.nodes.links import Heard, Link, Links, say_all
from aimass_jupyter.launch.nodes.mirror import Arriving
from aimass_jupyter.launch.nodes.shipping import Shipment, ship

LOST_SECONDS = 10.0
_BEAT_SECONDS = 2.0
_TICK_SECONDS = 0.25
_STOP_SECONDS = 10.0
_KEEP_SECONDS = 25.0
_OWN_CAUSES = frozenset({"finished", "error", "signal", "stopped"})


class Attempt:
    """One try to run the parts.

    Attributes
    ----------
    lost
        Names of the nodes that were lost.
    given_way
        Whether it was ended before its time, its state kept.
    """

    def __init__(
        self, folder: Path, spec: dict[str, Any], places: Sequence[dict[str, Any]], number: int
    ) -> None:  # fmt: skip
        self._folder = folder
        self._spec = spec
        self._number = number
        self._links = Links(places)
        self._arriving = Arriving(folder)
        self._exits: list[RankExit] = []
        self._running: set[Link] = set()
        self._stop_by = 0.0
        self._beat_at = 0.0
        self._finished: set[Link] = set()
        self._gives_way = False
        self.lost: set[str] = set()

    @property
    def given_way(self) -> bool:
        return self._gives_way and len(self._finished) < len(self._links.all) and not self.lost

    def run(
        self, asked_to_stop: Callable[[], bool], why_give_way: Callable[[], str]
    ) -> list[RankExit]:
        """Run the parts to their end; the ranks that failed, the first one first.

        Parameters
        ----------
        why_give_way
            Why it is to end before its time, its state kept; empty while it is not.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="aimass-") as scratch:
                if self._prepared(Path(scratch)) and not asked_to_stop():
                    self._start()
                    self._watch(asked_to_stop, why_give_way)
        finally:
            self._links.close(_STOP_SECONDS if asked_to_stop() else 2.0)
        return self._exits

    def _prepared(self, scratch: Path) -> bool:
        """Check the nodes and ship what they lack; whether all is well."""
        _, faults = check(self._links, self._spec["engine"])
        if not faults:
            shipment = Shipment.of(self._folder, self._spec, scratch)
            self._begin()
            faults = ship(self._links, shipment)
        for fault in faults:
            print(f"node '{fault['node']}' ({fault['check']}): {fault['message']}", flush=True)
        if faults:
            self._refuse(faults)
        return not faults

    def _refuse(self, faults: Sequence[dict[str, str]]) -> None:
        """Say why nothing was started."""
        first = faults[0]
        more = f" ({len(faults) - 1} more: see the launcher's log)" if faults[1:] else ""
        link = next(link for link in self._links.all if link.node == first["node"])
        gone = {fault["node"] for fault in faults if fault["check"] == "reach"}
        self.lost |= gone
        code = "node-lost" if gone and self._number else "not-started"
        message = f"node '{first['node']}' ({first['check']}): {first['message']}{more}"
        self._record(link, code, message)
        self._exits.append(RankExit(self._ranks_of(link).start, 1))

    def _begin(self) -> None:
        for index, link in enumerate(self._links.all):
            link.say(
                {"do": "begin", "job": self._spec["id"], "index": index, "attempt": self._number}
            )

    def _start(self) -> None:
        links = self._links.all
        ranks = sum(link.place["ranks"] for link in links)
        options = self._spec["options"] | {"max_restarts": 0, "min_np": None, "max_np": None}
        for index, link in enumerate(links):
            part = {
                "index": index,
                "hosts": [other.node for other in links],
                "counts": [other.place["ranks"] for other in links],
                "address": link.address,
                "attempt": self._number,
            }
            devices = link.place.get("devices")
            spec = self._spec | {"places": [], "np": ranks, "options": options, "part": part}
            spec["devices"] = devices
            link.say({"do": "start", "spec": spec | {"code": link.place.get("code", "")}})
            if peers := peers_of(link, links):
                link.say({"do": "guard", "peers": peers})
            link.heard_at = time.monotonic()
        self._running = set(links)

    def _watch(
        self, asked_to_stop: Callable[[], bool], why_give_way: Callable[[], str]
    ) -> None:  # fmt: skip
        """Take what the nodes say until all parts have ended, or were given up."""
        while self._running:
            if heard := self._links.hear(_TICK_SECONDS):
                self._take(heard)
            if asked_to_stop() and (self._gives_way or not self._stop_by):
                self._gives_way = False
                self._stop("its supervisor")
            elif not self._stop_by and (why := why_give_way()):
                self._give_way(why)
            self._keep_in_touch()

    def _keep_in_touch(self) -> None:
        now = time.monotonic()
        if now - self._beat_at > _BEAT_SECONDS:
            self._beat_at = now
            say_all(self._running, {"do": "beat"})
        for link in list(self._running):
            if now - link.heard_at > LOST_SECONDS:
                self._lose(link, f"nothing was heard of it for {LOST_SECONDS:.0f} s")
            elif self._stop_by and now > self._stop_by:
                self._running.discard(link)

    def _take(self, heard: Heard) -> None:
        link, message = heard.link, heard.message
        if link not in self._running:
            return
        if message is None:
            self._lose(link, link.last_words)
        elif message["is"] in ("more", "part", "whole", "gone"):
            self._keep(link, message, heard.content)
        elif message["is"] == "meeting":
            others = [other for other in self._links.all if other is not link]
            say_all(others, {"do": "meeting"} | {key: message[key] for key in ("address", "port")})
        elif message["is"] == "unreachable":
            self._note_unreachable(link, message)
        elif message["is"] == "failed":
            self._lose(link, str(message["why"]))
        elif message["is"] == "ended":
            self._note_ended(link, message)

    def _keep(self, link: Link, message: Message, content: bytes) -> None:
        """Put what a node wrote where the job's own ranks would have written it."""
        path = str(message["path"])
        if path.startswith("log/"):
            self._log(link, path.removeprefix("log/"), content)
            return
        try:
            self._arriving.take(message, content)
        except ValueError as refused:
            print(f"node '{link.node}': {refused}", flush=True)

    def _log(self, link: Link, name: str, content: bytes) -> None:
        """Give a rank's log to the supervisor, whose pipe it would have gone to; say the rest."""
        rank = name.removeprefix("rank-").removesuffix(".log")
        if rank.isdecimal() and int(rank) in self._ranks_of(link):
            with contextlib.suppress(OSError):  # nobody keeps logs any more
                pipe = os.open(self._folder / "log" / f"rank-{rank}.pipe", os.O_WRONLY)
                with os.fdopen(pipe, "wb") as file:
                    file.write(content)
            return
        for line in content.decode(errors="replace").splitlines():
            print(f"[{link.node}] {line}", flush=True)

    def _note_unreachable(self, link: Link, message: Message) -> None:
        """A node cannot reach another: that one counts as lost."""
        other = next(found for found in self._links.all if found.node == message["node"])
        if other in self._running and not self._stop_by:
            self._lose(other, f"node '{link.node}' does not reach it: {message['why']}")

    def _lose(self, link: Link, why: str) -> None:
        """Give a node up, and end the others: they wait for its ranks."""
        self._running.discard(link)
        if self._stop_by:  # it is being ended anyway
            return
        self.lost.add(link.node)
        ranks = self._ranks_of(link)
        who = f"rank {ranks.start}" if len(ranks) == 1 else f"ranks {ranks.start}-{ranks.stop - 1}"
        message = f"node '{link.node}' ({link.address}) was lost, with {who}: {why}"
        print(message, flush=True)
        self._record(link, "node-lost", message)
        self._exits.insert(0, RankExit(ranks.start, 1))
        link.say({"do": "stop", "by": "its leader, which counts it as lost"})
        self._stop("the loss of a node")

    def _note_ended(self, link: Link, message: Message) -> None:
        self._running.discard(link)
        link.say({"do": "end"})
        exits = (message.get("ranks") or {}).get("exits", [])
        cause = (message.get("exit") or {}).get("cause") or {}
        if cause.get("code") == "finished":
            self._finished.add(link)
            return
        if self._gives_way:  # its state is kept, and sent
            self._stop("its leader, as its state is kept")
            return
        if not self._stop_by:
            self._tell_cause(link, cause)
        self._exits += [RankExit(int(ended["rank"]), int(ended["code"])) for ended in exits]
        if not exits:
            self._exits.append(RankExit(self._ranks_of(link).start, 1))
        if not self._stop_by:
            self._stop("the failure of another node's ranks")

    def _tell_cause(self, link: Link, cause: dict[str, Any]) -> None:
        """What only the node's supervisor knows: no memory left, no start."""
        code = cause.get("code")
        if code not in _OWN_CAUSES and not list(self._folder.glob("failure-rank-*.json")):
            message = f"on node '{link.node}': {cause.get('message') or link.last_words}"
            self._record(link, str(code or "node-lost"), message, rank=cause.get("rank"))

    def _give_way(self, why: str) -> None:
        """Have rank 0 keep its state and end; the others end with it."""
        print(f"{why}: the ranks keep their state and end", flush=True)
        self._gives_way = True
        self._stop_by = time.monotonic() + _KEEP_SECONDS + _STOP_SECONDS
        self._links.all[0].say({"do": "keep", "by": "its leader"})

    def _stop(self, by: str) -> None:
        """Have every part end; those that do not in time are given up."""
        self._stop_by = time.monotonic() + _STOP_SECONDS
        say_all(self._running, {"do": "stop", "by": by})

    def _ranks_of(self, link: Link) -> range:
        before = self._links.all[: self._links.all.index(link)]
        first = sum(other.place["ranks"] for other in before)
        return range(first, first + link.place["ranks"])

    def _record(self, link: Link, code: str, message: str, rank: int | None = None) -> None:
        """Leave the record by which the supervisor tells the cause."""
        rank = self._ranks_of(link).start if rank is None else rank
        path = self._folder / f"failure-rank-{rank}.json"
        known = read_record(path)
        if known and not known["disconnected"]:
            return
        record = {
            "rank": rank, "type": "NodeLost", "cause": code, "message": message,
            "foreseen": code == "not-started", "disconnected": False, "host": link.node,
            "time": time.time(),
        }  # fmt: skip
        write_record(path, record)
