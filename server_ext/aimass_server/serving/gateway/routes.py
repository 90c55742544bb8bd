"""The route table: which key opens which endpoint, and which replica answers for it.

The control plane writes it whole; the gateway takes each new one within a tenth of a second.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter.host import read_record
from aimass_server.serving.gateway.replica import Replica

POLL_SECONDS = 0.1

_log = logging.getLogger("aimass.gateway")
_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Route:
    """One endpoint."""

    id: str
    name: str
    version: str
    replica: Replica
    failed: bool


class RouteTable:
    """The newest table, and the replicas in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self._stamp: _Stamp | None = None
        self._by_id: dict[str, Route] = {}
        self._by_key: dict[str, Route] = {}
        self._replicas: dict[str, Replica] = {}

    def refresh(self) -> None:
        """Take the file when it is a new one; one that cannot be read changes nothing."""
        stamp = _stamp(self.path)
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._take(read_record(self.path) or {})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.error("%s cannot be read, the table before it stays: %r", self.path, error)

    async def follow(self) -> None:
        """Refresh for ever."""
        while True:
            self.refresh()
            await asyncio.sleep(POLL_SECONDS)

    def opened_by(self, key_hash: str) -> Route | None:
        """The endpoint that a key opens.

        A dictionary tells by a hash of its own, drawn at the start of the process, before it ever
        compares: the time taken says nothing about the hashes that are kept, and those say nothing
        about the keys.
        """
        return self._by_key.get(key_hash)

    def with_id(self, endpoint_id: str) -> Route | None:
        """The endpoint with this id."""
        return self._by_id.get(endpoint_id)

    @property
    def replicas(self) -> list[Replica]:
        """Every replica that should answer: one that has been given up is not waited for."""
        return [route.replica for route in self._by_id.values() if not route.failed]

    def _take(self, table: dict[str, Any]) -> None:
        generation, entries = int(table["generation"]), table["routes"]
        # Links of endpoints that stay are kept; what is asked of the others ends with them.
        replicas = {e["socket"]: self._replica(e) for e in entries.values()}
        by_id = {key: _route(key, e, replicas[e["socket"]]) for key, e in entries.items()}
        self._by_key = {h: by_id[key] for key, e in entries.items() for h in e["key_hashes"]}
        self._by_id, self._replicas, self.generation = by_id, replicas, generation

    def _replica(self, entry: dict[str, Any]) -> Replica:
        known = self._replicas.get(entry["socket"])
        return known or Replica(Path(entry["socket"]), f"{entry['model']}@{entry['version']}")


def _route(endpoint_id: str, entry: dict[str, Any], replica: Replica) -> Route:
    version, failed = str(entry["version"]), entry["state"] == "failed"
    return Route(endpoint_id, entry["name"], version, replica, failed)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
