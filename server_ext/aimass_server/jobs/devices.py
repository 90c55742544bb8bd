"""GPUs: which of a node's devices are a job's own, so that no two jobs have the same one.

Pure functions over what the jobs that run hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.placement import Room, Slots


class Devices:
    """The devices of some nodes, and who has them."""

    def __init__(self, rooms: Iterable[Room], holding: Iterable[Job]) -> None:
        self._there = {room.name: range(int(room.gpus)) for room in rooms}
        self._taken: dict[str, set[int]] = defaultdict(set)
        for job in holding:
            if job.options.gpus:
                self._take(job.devices)

    def give(self, job: Job, places: Slots) -> dict[str, list[int]]:
        """The devices of a job that starts, or goes on elsewhere, by node; it keeps those it has.

        One that asked for none sees those that nobody has asked for, and holds none of them; it is
        told so only where some are held.
        """
        given: dict[str, list[int]] = {}
        for node, ranks in places.items():
            free = [n for n in self._there.get(node, ()) if n not in self._taken[node]]
            if job.options.gpus:
                free.sort(key=lambda n: n not in job.devices.get(node, ()))
                given[node] = sorted(free[: ranks * job.options.gpus])
            elif self._taken[node]:
                given[node] = free
        if job.options.gpus:
            self._take(given)
        return given

    def _take(self, devices: Mapping[str, list[int]]) -> None:
        for node, numbers in devices.items():
            self._taken[node].update(numbers)
