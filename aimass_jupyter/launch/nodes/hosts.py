"""The hosts of an elastic job: those that its cluster gives it now, and those that it has.

Two records in the job's folder. ``hosts.json`` is written by the control plane, which looks at the
cluster's table of nodes: ``{"number": 3, "places": […]}``. ``places.json`` is the leader's answer:
the number that it has followed, the places that it has, and when it lost others. Either side may
be gone for a while; whatever the other wrote stands.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aimass_jupyter.host import read_record, write_record

HOSTS_RECORD = "hosts.json"
PLACES_RECORD = "places.json"
_LOOK_SECONDS = 0.5

Place = dict[str, Any]


class Hosts:
    """The leader's side.

    Parameters
    ----------
    places
        What the job begins with.
    """

    def __init__(self, folder: Path, places: Sequence[Place]) -> None:
        self._folder = folder
        self._number = 0
        self._lost: dict[str, float] = {}
        self._look_at = 0.0
        self.places = list(places)

    def changed(self) -> bool:
        """Whether the table has other hosts by now than this job; cheap to ask often."""
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + _LOOK_SECONDS
        table = self._newer()
        return bool(table) and counted(table["places"]) != counted(self.places)

    def follow(self) -> str:
        """Take what the table says now; what that is, in words."""
        before, table = counted(self.places), self._newer()
        if table:
            self._number = int(table["number"])
            self.places = list(table["places"])
        self._answer()
        return difference(before, counted(self.places))

    def go_on_with(self, places: Sequence[Place], lost: Iterable[str]) -> None:
        """Go on with some of them; when the others were lost is told."""
        self._lost |= dict.fromkeys(lost, time.time())
        self.places = list(places)
        self._answer()

    def _newer(self) -> dict[str, Any]:
        table = read_record(self._folder / HOSTS_RECORD) or {}
        return table if table and int(table["number"]) > self._number else {}

    def _answer(self) -> None:
        have = [{"node": place["node"], "ranks": place["ranks"]} for place in self.places]
        record = {"number": self._number, "places": have, "lost": self._lost}
        with contextlib.suppress(OSError):  # a full disk: the next change tells it
            write_record(self._folder / PLACES_RECORD, record)


def counted(places: Iterable[Place]) -> dict[str, int]:
    """Ranks by node."""
    return {str(place["node"]): int(place["ranks"]) for place in places}


def difference(before: dict[str, int], after: dict[str, int]) -> str:
    """What is another, in words: ``gamma joins, beta leaves``."""
    joins = [f"{node} joins" for node in after if node not in before]
    leaves = [f"{node} leaves" for node in before if node not in after]
    other = [
        f"{node} has {ranks} ranks"
        for node, ranks in after.items()
        if node in before and before[node] != ranks
    ]
    return ", ".join([*joins, *leaves, *other]) or "nothing is another"
