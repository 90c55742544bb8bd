"""The scheduler: looks at the unfinished jobs and says which start, and why the others wait.

It starts nothing and changes no state: the runner does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import get_args

from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.job_options import Priority
from aimass_jupyter.contract.job_queue import Blocker, Why
from aimass_jupyter.contract.jobs import Cause, Job, Place
from aimass_jupyter.contract.quantities import counted
from aimass_server.jobs.arrivals import Arrivals, foretell
from aimass_server.jobs.devices import Devices
from aimass_server.jobs.history import History
from aimass_server.jobs.ledger import Ledger, Quotas, period_of
from aimass_server.jobs.picture import (
    Amount,
    Limits,
    Picture,
    Running,
    Waiting,
    free_of,
    ranks_free,
)
from aimass_server.jobs.placement import Room, Wants, place
from aimass_server.jobs.pools import Pools, room_of, too_large_for
from aimass_server.jobs.preemption import (
    PRESSING,
    STOPPING_SECONDS,
    Stake,
    victims,
    with_room_made,
)
from aimass_server.jobs.queue import decide, starting
from aimass_server.jobs.remarks import is_late, notes_on
from aimass_server.jobs.returning import most_ranks, seconds_run
from aimass_server.jobs.turns import in_order
from aimass_server.store import Connection, Store, jobs

_LEARNT_FROM = 2000
_LEARNT_DAYS = 30
_OVERRUN = 0.25  # a job that runs longer than expected is taken to run so much longer still
_PRIORITIES = {name: level for level, name in enumerate(get_args(Priority))}


@dataclass(frozen=True)
class Agenda:
    """What is to be done about the queue.

    Attributes
    ----------
    starts
        The jobs that start now, each with the ranks that it gets, and where.
    hopeless
        The jobs that can never start, with why.
    stops
        The jobs that are stopped with their state kept, each with the one that it makes room for.
    late
        The jobs whose deadline has passed and that do not say so yet.
    again
        Seconds after which there is something to decide, though nothing ends.
    """

    starts: list[Job]
    hopeless: list[tuple[Job, Cause]]
    stops: list[tuple[Job, Job]]
    late: list[Job]
    again: float


class Scheduler:
    """Decides over the slots of this machine and the nodes of clusters, each by itself.

    Parameters
    ----------
    limits
        What may run on this machine at once; what a user may holds on each cluster, too.
    pools
        The clusters.
    time_left
        Seconds that a running job says it still takes; None when it says nothing.
    stake
        What a running job risks when it is stopped at a time; None where it may never be. It may
        block on the disk.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        pools: Pools,
        time_left: Callable[[str], float | None],
        stake: Callable[[Job, float], Stake | None],
        quotas: Quotas,
    ) -> None:
        self._ledger = Ledger(quotas)
        self._stake = stake
        self._store = store
        self._pools = pools
        self._time_left = time_left
        self._limits = limits
        self._history = History()
        self._learnt = False
        self._known: dict[str, Job] = {}
        self._entries: dict[str, Waiting] = {}
        self._arrivals = Arrivals()

    async def _learn_of_before(self) -> None:
        """Learn from the jobs that ended before this control plane began, once."""
        if not self._learnt:
            since = utc_now() - timedelta(days=_LEARNT_DAYS)
            self.learn(await self._store.read(lambda c: jobs.ended_lately(c, since, _LEARNT_FROM)))
            if self._ledger.quotas.any:
                begun = period_of(self._ledger.quotas.period, utc_now())[0]
                ended = await self._store.read(lambda c: jobs.ended_lately(c, begun, None))
                self._ledger.learn(ended)
            self._learnt = True

    def learn(self, ended: Iterable[Job]) -> None:
        """Take in jobs that ended."""
        ended = list(ended)
        self._history.learn(ended)
        self._ledger.learn(ended)
        self._entries.clear()  # what they should take is another by now

    async def look(self) -> Agenda:
        """Look at the queue: which jobs start now, and which never can."""
        await self._learn_of_before()
        queued, holding = await self._store.read(self._read)
        wanted = {id_ for job in queued for id_ in job.options.after}
        failed = await self._store.read(lambda c: jobs.failed_of(c, wanted)) if wanted else {}
        machine = self._limits_of("").rooms[0]
        fated = [(job, self._hopeless(job, failed, machine)) for job in queued]
        doomed = [(job, cause) for job, cause in fated if cause]
        hopeless = {job.id for job, _ in doomed}
        by_cluster: dict[str, list[Job]] = defaultdict(list)
        for job in queued:
            if job.id not in hopeless:
                by_cluster[job.cluster_id].append(job)
        ready: list[Job] = []
        stops: list[tuple[Job, Job]] = []
        moments: list[float] = []
        for cluster_id, able in by_cluster.items():
            here = [job for job in holding if job.cluster_id == cluster_id]
            ready += self._starts(able, here, cluster_id, (*queued, *holding))
            found, may_later = await self._stops(able, here, cluster_id, (*queued, *holding))
            stops += found
            moments += may_later
        now = utc_now().timestamp()
        late = [job for job in (*queued, *holding) if is_late(job, now)]
        for job in queued:
            moments += [time.timestamp() for time in (job.not_before, job.options.deadline) if time]
        again = min((at - now for at in moments if at > now), default=float("inf"))
        return Agenda(ready, doomed, stops, late, again)

    def _starts(
        self, able: list[Job], here: list[Job], cluster_id: str, all_jobs: Iterable[Job]
    ) -> list[Job]:
        """The jobs that start on one cluster, where those that are here hold slots."""
        full = sum(job.slots for job in here) >= self._limits_of(cluster_id).slots
        if full and not any(job.attended for job in able):
            return []
        decision = starting(self._picture(able, here, cluster_id, all_jobs))
        by_id = {job.id: job for job in able}
        devices = Devices(self._limits_of(cluster_id).rooms, here)
        return [
            _started(by_id[id_], ranks, decision.places[id_], devices)
            for id_, ranks in decision.starts.items()
        ]

    async def _stops(
        self, able: list[Job], here: list[Job], cluster_id: str, all_jobs: Iterable[Job]
    ) -> tuple[list[tuple[Job, Job]], list[float]]:
        """The jobs of one cluster that make room for others, and when more of them may."""
        able = [job for job in able if _PRIORITIES[job.options.priority] >= PRESSING]
        if not able:  # the turns of the others come later, and change nothing for these
            return [], []
        picture = self._picture(able, here, cluster_id, all_jobs)
        now = picture.now
        stakes = await self._stakes([job for job in here if job.state == "running"], now)
        lost = {id_: stake.lost for id_, stake in stakes.items() if stake.since <= now}
        picture.running = [replace(job, lost=lost.get(job.id)) for job in picture.running]
        by_id = {job.id: job for job in (*able, *here)}
        found = victims(picture, decide(picture))
        stops = [(by_id[id_], by_id[for_]) for id_, for_ in found.items()]
        return stops, [stake.since for stake in stakes.values() if stake.since > now]

    async def _stakes(self, here: list[Job], now: float) -> dict[str, Stake]:
        """What those jobs risk that may be stopped at some time."""
        stakes = await asyncio.to_thread(lambda: [self._stake(job, now) for job in here])
        return {job.id: stake for job, stake in zip(here, stakes, strict=True) if stake}

    def forget(self, job_id: str) -> None:
        """Read a job anew that was queued again, or changed in the queue."""
        self._known.pop(job_id, None)
        self._entries.pop(job_id, None)

    def _limits_of(self, cluster_id: str) -> Limits:
        """What may run at once on a cluster; the nodes that are not ready count for nothing."""
        if not cluster_id:
            if self._limits.memory == float("inf"):  # asked once: it does not change
                here = self._pools.nodes_of("")[0]
                memory = here.memory_bytes or self._limits.slots << 60
                self._limits = replace(self._limits, memory=memory, gpus=here.gpus)
            return self._limits
        rooms = tuple(room_of(node) for node in self._pools.ready_nodes(cluster_id))
        slots = sum(room.slots for room in rooms)
        return replace(self._limits, slots=slots, nodes=rooms or (Room("", 0),))

    def _read(self, connection: Connection) -> tuple[list[Job], list[Job]]:
        """The jobs that wait and those that hold slots; a waiting one is read once."""
        ids = jobs.queued_ids(connection)
        new = jobs.by_ids(connection, [id_ for id_ in ids if id_ not in self._known])
        known = self._known | {job.id: job for job in new}
        self._known = {id_: known[id_] for id_ in ids if id_ in known}
        self._entries = {id_: e for id_, e in self._entries.items() if id_ in self._known}
        self._arrivals.note(new)
        return list(self._known.values()), jobs.holding_slots(connection)

    def _hopeless(self, job: Job, failed: dict[str, str], machine: Room) -> Cause | None:
        if not job.cluster_id and (larger := too_large_for(machine, job)):
            message = f"this machine has no room for it now: {larger}"
            return Cause(code="not-started", message=message)
        least, allowed = _least(job) * job.slots_each, self._limits.slots_of_user
        if allowed is not None and least > allowed:
            message = f"it needs {counted(least, 'slot')}, a user may hold {allowed} at once"
            return Cause(code="not-started", message=message)
        for id_ in job.options.after:
            if id_ in failed:
                message = f"job '{failed[id_]}', which it waits for, did not succeed"
                return Cause(code="dependency", message=message)
        return None

    async def why(self, job: Job) -> Why:
        """Why a job waits, and until when."""
        expected = self._history.seconds_of(job)
        memory = int(self._each(job).memory) or None
        told = Why(job=job.id, name=job.name, state=job.state, memory_bytes=memory)
        if job.final:
            return told.model_copy(
                update={"notes": [f"it has ended: {job.cause.message}"] if job.cause else []}
            )
        if job.state != "queued":
            return told.model_copy(update={"expected_seconds": expected})
        queued, holding = await self._store.read(self._read)
        rivals = [other for other in queued if other.cluster_id == job.cluster_id]
        here = [other for other in holding if other.cluster_id == job.cluster_id]
        picture = self._picture(rivals, here, job.cluster_id, (*queued, *holding))
        order = [waiting.id for waiting in in_order(picture.waiting, picture.used, picture.now)]
        ahead = await self._foreseen(picture, here)
        lately = self._arrivals.of(job.cluster_id, self._waiting)
        starts = await asyncio.to_thread(foretell, ahead, job.id, lately)
        blocker = decide(picture).blocked.get(job.id)
        return told.model_copy(
            update={
                "position": order.index(job.id) + 1 if job.id in order else None,
                "waiting": len(order),
                "blockers": [*([blocker] if blocker else []), *self._nodes_away(job)],
                "starts_in_seconds": None if starts is None else starts - picture.now,
                "expected_seconds": expected,
                "notes": notes_on(job, here, starts, expected, picture.now),
            }
        )

    async def _foreseen(self, picture: Picture, here: list[Job]) -> Picture:
        """The picture with the room that will be made for those that press."""
        if all(waiting.priority < PRESSING for waiting in picture.waiting):
            return picture
        by_id = {job.id: job for job in here}
        stakes = await self._stakes(here, picture.now)
        return with_room_made(picture, stakes, lambda id_: self._waiting(by_id[id_]))

    def _nodes_away(self, job: Job) -> list[Blocker]:
        """The nodes of its cluster that are not ready."""
        away = self._pools.why_not_ready(job.cluster_id, job.tenant) if job.cluster_id else []
        return [Blocker(kind="nodes", message=message) for message in away]

    def _picture(
        self, queued: list[Job], holding: list[Job], cluster_id: str, all_jobs: Iterable[Job]
    ) -> Picture:
        at = utc_now()
        now = at.timestamp()
        all_jobs = list(all_jobs)
        unfinished = {job.id: job.name for job in all_jobs}
        running = [self._running(job, now) for job in holding]
        self._watch(all_jobs, now)
        waiting = [_still_after(self._waiting(job), unfinished) for job in queued]
        limits = self._limits_of(cluster_id)
        return Picture(
            now,
            limits,
            waiting,
            running,
            self._history.used(now),
            self._ledger.refusals(all_jobs, at),
            period_of(self._ledger.quotas.period, at)[1].timestamp(),
        )

    def _watch(self, all_jobs: list[Job], now: float) -> None:
        """Learn how long jobs take from those that run, on whichever cluster."""
        begun = [
            (job, self._running(job, now).ends - job.started_at.timestamp())
            for job in all_jobs
            if job.state != "queued" and job.started_at
        ]
        if self._history.watch(begun):
            self._entries.clear()

    def _waiting(self, job: Job) -> Waiting:
        """The job as the queue sees it; kept, for there may be thousands."""
        if known := self._entries.get(job.id):
            return known
        self._entries[job.id] = entry = Waiting(
            id=job.id,
            user=(job.tenant, job.owner),
            priority=_PRIORITIES[job.options.priority],
            least=min(_least(job), most_ranks(job)),
            most=most_ranks(job),
            seconds=self._seconds_left(job),
            after=tuple(job.options.after),
            wants=Wants.parse(job.options.nodes, job.options.node_labels),
            each=self._each(job),
            deadline=job.options.deadline.timestamp() if job.options.deadline else None,
            not_before=job.not_before.timestamp() if job.not_before else 0.0,
            name=job.name,
        )
        return entry

    def _each(self, job: Job) -> Amount:
        """What each of its ranks takes: memory as much as ones like it took, if nobody said."""
        each = amount_of(job)
        learnt = 0 if job.options.memory else self._history.memory_of(job)
        if not learnt:
            return each
        wide = each._replace(memory=float(learnt))
        return wide if self._could_hold(job, wide) else each

    def _could_hold(self, job: Job, each: Amount) -> bool:
        """Whether the job would start if nothing else ran: what was learnt must not keep it out."""
        rooms = self._limits_of(job.cluster_id).rooms
        empty = ranks_free(free_of(rooms, []), each)
        wants = Wants.parse(job.options.nodes, job.options.node_labels)
        least = min(_least(job), most_ranks(job))
        return place(empty, rooms, wants, job.tenant, least, least) is not None

    def _seconds_left(self, job: Job) -> float:
        """How long it should run, what it ran before left out."""
        expected, ran = self._history.seconds_of(job), seconds_run(job)
        left = max(expected - ran, 0.1 * expected)
        most = job.options.max_time
        return left if most is None else min(left, max(1.0, most - ran))

    def _running(self, job: Job, now: float) -> Running:
        left = self._time_left(job.id)
        if job.state == "stopping":  # whatever it had before it
            left = STOPPING_SECONDS
        elif left is None:
            begun = job.started_at.timestamp() if job.started_at else now
            expected = self._seconds_left(job)
            left = max(begun + expected - now, _OVERRUN * (now - begun))
        ends = now + left
        places = {place.node: place.ranks for place in job.places}
        return Running(
            job.id,
            (job.tenant, job.owner),
            job.np,
            ends,
            places,
            self._each(job),
            priority=_PRIORITIES[job.options.priority],
            leaving=job.state == "stopping",
        )


def _still_after(entry: Waiting, unfinished: Mapping[str, str]) -> Waiting:
    """The entry, waiting only for those that have not ended."""
    if not entry.after:
        return entry
    after = tuple(id_ for id_ in entry.after if id_ in unfinished)
    return replace(entry, after=after, after_names=tuple(unfinished[id_] for id_ in after))


def _started(job: Job, ranks: int, places: dict[str, int], devices: Devices) -> Job:
    """The job as it starts."""
    given = devices.give(job, places)
    return job.model_copy(update={"np": ranks, "places": _places(places), "devices": given})


def _places(slots: dict[str, int]) -> list[Place]:
    """Where the ranks are; the one machine is no place."""
    return [Place(node=node, ranks=ranks) for node, ranks in slots.items() if node]


def _least(job: Job) -> int:
    """The slots without which a job cannot start."""
    return min(job.np, job.options.min_np or job.np)


def amount_of(job: Job) -> Amount:
    """What each rank of a job takes of its node."""
    return Amount(job.slots_each, float(job.options.memory or 0), float(job.options.gpus))
