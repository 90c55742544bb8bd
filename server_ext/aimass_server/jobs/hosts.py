"""The hosts of elastic jobs: which nodes of its cluster's table a job that runs may have now.

What may be is written into the job's folder, where its leader finds it; what the leader has is read
there, too (``aimass_jupyter/launch/nodes/hosts.py`` is the other side). Slots that a job is about
to take count as its own from before it hears of them. Nothing is started or ended here.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from aimass_jupyter.contract.clusters import Fault, Node
from aimass_jupyter.contract.jobs import Job, NodePlace, Place
from aimass_jupyter.host import read_record, write_record
from aimass_server.jobs.devices import Devices
from aimass_server.jobs.picture import free_of, ranks_free, take
from aimass_server.jobs.placement import ANY, Wants
from aimass_server.jobs.pools import room_of
from aimass_server.jobs.scheduler import amount_of
from aimass_server.store import Store, jobs

HOSTS_RECORD = "hosts.json"
PLACES_RECORD = "places.json"
_ANSWER_SECONDS = 600.0
_GROW_SECONDS = 20.0  # to change hosts costs a new beginning from a checkpoint
_LEAVES = frozenset({"draining", "drained"})

logger = logging.getLogger("aimass.jobs")

Ranks = dict[str, int]


class NodesOfClusters(Protocol):
    """What is known of nodes."""

    def nodes_of(self, cluster_id: str) -> list[Node]: ...

    def ready_nodes(self, cluster_id: str) -> list[Node]: ...

    def heard_at(self, cluster_id: str, node: str) -> datetime | None: ...

    def reach(self, job: Job) -> list[NodePlace]: ...

    async def faults_of(self, places: list[NodePlace]) -> list[Fault]: ...


class Hosts:
    """Looks after the hosts of the elastic jobs that run on clusters.

    Parameters
    ----------
    slots_of_user
        Slots that a user may hold on a cluster at once; None is no limit.
    """

    def __init__(
        self, store: Store, pools: NodesOfClusters, folder: Path, slots_of_user: int | None
    ) -> None:
        self._store = store
        self._pools = pools
        self._folder = folder
        self._slots_of_user = slots_of_user
        self._checks: dict[str, tuple[float, asyncio.Task[list[Fault]]]] = {}
        self._changed: dict[str, float] = {}

    async def close(self) -> None:
        """Check no longer."""
        tasks = [task for _, task in self._checks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self, job: Job) -> None:
        """Bring a job's places in line with what it has, and what it has with the table."""
        if not (job.places and job.state == "running" and is_elastic(job)):
            return
        folder = self._folder / job.id
        table, answer, spec = await asyncio.to_thread(_records, folder)
        offered = _counted(table.get("places") or spec.get("places", []))
        if int(answer.get("number", 0)) < int(table.get("number", 0)):
            await self._note(job, _both(offered, _counted(answer.get("places", []))))
            return  # it has not heard of the last change yet
        have = _counted(answer["places"]) if answer else offered
        job = await self._note(job, have)
        begun_with = int(spec.get("np", job.np))
        least = job.options.min_np or begun_with
        most = max(begun_with, job.options.max_np or 0)
        stays = self._staying(job, have, least)
        wanted = await self._with_others(job, stays, most, answer.get("lost", {}))
        if wanted != have:
            await self._offer(job, have, wanted, int(table.get("number", 0)) + 1)

    async def _note(self, job: Job, ranks: Ranks) -> Job:
        """Let the job hold the slots of these ranks."""
        if ranks == {place.node: place.ranks for place in job.places}:
            return job
        places = [Place(node=node, ranks=count).model_dump() for node, count in ranks.items()]
        devices = {node: some for node, some in job.devices.items() if node in ranks}
        changes = {"places": places, "np": sum(ranks.values()), "devices": devices}
        return await self._store.write(
            lambda c: jobs.move(c, job.id, ("running",), "running", **changes)
        )

    async def _with_others(
        self, job: Job, stays: Ranks, most: int, lost: Mapping[str, float]
    ) -> Ranks:  # fmt: skip
        """The hosts that stay, and others that have room, unless somebody waits for that."""
        queued, holding = await self._store.read(
            lambda c: (jobs.any_queued(c, job.cluster_id), jobs.holding_slots(c))
        )
        most = min(most, allowed_ranks(job, holding, self._slots_of_user))
        settled = time.monotonic() - self._changed.get(job.id, float("-inf")) > _GROW_SECONDS
        if queued or not settled or sum(stays.values()) >= most:
            return stays
        nodes = [
            node
            for node in self._pools.ready_nodes(job.cluster_id)
            if self._back(job, node, lost.get(node.name))
        ]
        free = free_of(tuple(room_of(node) for node in nodes), [])
        for other in holding:
            if other.cluster_id == job.cluster_id and other.id != job.id:
                take(free, {p.node: p.ranks for p in other.places}, amount_of(other))
        take(free, stays, amount_of(job))
        return grown(job, stays, nodes, ranks_free(free, amount_of(job)), most)

    def _staying(self, job: Job, have: Ranks, least: int) -> Ranks:
        """Those that are not being drained; all of them when the rest would be too few."""
        known = {node.name: node for node in self._pools.nodes_of(job.cluster_id)}
        stays = {
            name: ranks
            for name, ranks in have.items()
            if name in known and known[name].state not in _LEAVES
        }
        return stays if sum(stays.values()) >= least else have

    def _back(self, job: Job, node: Node, lost_at: float | None) -> bool:
        """Whether a node that the job lost has been heard of since."""
        if lost_at is None:
            return True
        heard = self._pools.heard_at(job.cluster_id, node.name)
        return heard is not None and heard > datetime.fromtimestamp(lost_at, UTC)

    async def _offer(self, job: Job, have: Ranks, wanted: Ranks, number: int) -> None:
        """Tell the job's leader, once those that join have passed the checks."""
        places = [Place(node=node, ranks=ranks) for node, ranks in wanted.items()]
        reached = self._pools.reach(job.model_copy(update={"places": places}))
        if wanted.keys() - have.keys() and not self._checked(job, reached):
            return
        devices = await self._devices(job, wanted)
        held = {node: sorted({*job.devices.get(node, ()), *some}) for node, some in devices.items()}
        both = job.model_copy(update={"devices": job.devices | held})
        await self._note(both, _both(have, wanted))
        told = [place.model_copy(update={"devices": devices.get(place.node)}) for place in reached]
        record = {"number": number, "places": [place.model_dump(mode="json") for place in told]}
        await asyncio.to_thread(write_record, self._folder / job.id / HOSTS_RECORD, record)
        self._changed[job.id] = time.monotonic()

    async def _devices(self, job: Job, wanted: Ranks) -> dict[str, list[int]]:
        """The GPUs that are its own on each of these nodes: no other job's."""
        holding = await self._store.read(jobs.holding_slots)
        others = [o for o in holding if o.cluster_id == job.cluster_id and o.id != job.id]
        rooms = [room_of(node) for node in self._pools.nodes_of(job.cluster_id)]
        return Devices(rooms, others).give(job, wanted)

    def _checked(self, job: Job, places: list[NodePlace]) -> bool:
        """Whether these nodes are sound together; begins to find out."""
        self._forget_old()
        key = "\n".join([job.id, *sorted(place.node for place in places)])
        if key not in self._checks:
            task = asyncio.create_task(self._pools.faults_of(places))
            self._checks[key] = (time.monotonic(), task)
            return False
        task = self._checks[key][1]
        if not task.done():
            return False
        del self._checks[key]
        faults = [] if task.cancelled() else task.exception() or task.result()
        if faults:
            logger.warning("job %s gets no other hosts: %s", job.id, faults)
            self._changed[job.id] = time.monotonic()  # it is tried again, after a while
        return not faults

    def _forget_old(self) -> None:
        """Drop the answers that nobody came back for: their jobs have ended, or want others."""
        for key, (asked_at, task) in list(self._checks.items()):
            if task.done() and time.monotonic() - asked_at > _ANSWER_SECONDS:
                del self._checks[key]
                if not task.cancelled():
                    task.exception()  # it is of no use to anybody now


def is_elastic(job: Job) -> bool:
    """Whether a job goes on with fewer ranks, or with more."""
    return bool(job.options.min_np or job.options.max_np)


def allowed_ranks(job: Job, holding: Iterable[Job], slots_of_user: int | None) -> int:
    """How many ranks its owner may have in this job, beside what their other jobs hold there."""
    if slots_of_user is None:
        return sys.maxsize
    mine = (job.tenant, job.owner, job.cluster_id)
    others = [o for o in holding if (o.tenant, o.owner, o.cluster_id) == mine and o.id != job.id]
    return int((slots_of_user - sum(other.slots for other in others)) // job.slots_each)


def grown(job: Job, stays: Ranks, nodes: list[Node], free: Ranks, most: int) -> Ranks:
    """More ranks where there is room: on the hosts that it has, then on others that suit it.

    A job that asked for so many nodes gets no more of them than that.

    Parameters
    ----------
    free
        For how many more of its ranks there is room on each node.
    """
    wants = Wants.parse(job.options.nodes, job.options.node_labels)
    found = dict(stays)
    known = {node.name: node for node in nodes}
    able = [node for node in nodes if wants.could_take(room_of(node), job.tenant)]
    for node in sorted(able, key=lambda n: (n.name not in stays, -free[n.name], n.name)):
        ranks = min(free[node.name], most - sum(found.values()))
        if ranks <= 0 or (node.name not in found and not _wants(wants, node, found, known)):
            continue
        found[node.name] = found.get(node.name, 0) + ranks
    return found


def _wants(wants: Wants, node: Node, found: Ranks, known: Mapping[str, Node]) -> bool:
    """Whether a job that names its nodes wants this one, too."""
    counts = dict(wants.nodes)
    if counts and len(found) >= wants.least_nodes:
        return False
    if not counts or ANY in counts:
        return True
    same = [name for name in found if name in known and known[name].profile == node.profile]
    return len(same) < counts.get(node.profile, 0)


def _records(folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    names = (HOSTS_RECORD, PLACES_RECORD, "spec.json")
    table, answer, spec = (read_record(folder / name) or {} for name in names)
    return table, answer, spec


def _counted(places: Iterable[Mapping[str, Any]]) -> Ranks:
    return {str(place["node"]): int(place["ranks"]) for place in places}


def _both(one: Ranks, other: Ranks) -> Ranks:
    """What either needs."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
