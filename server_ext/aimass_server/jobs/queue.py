"""The queue: in which order jobs wait, which of them start now, and what keeps the others.

Pure functions over a picture of the queue; nothing is read, started or stored here.

Order: priority first; within it the tenant, then the user, that used least of the machine lately
(fair share); then first come, first served. A job starts with all its ranks or not at all. The
first job that does not fit is promised the earliest moment at which it will, and later jobs may
only pass it where they do not move that moment (EASY backfill: Lifka, "The ANL/IBM SP scheduling
system", 1995).
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from aimass_jupyter.contract.job_queue import Blocker
from aimass_server.jobs.placement import ANYWHERE, Room, Slots, Wants, place

_MACHINE = ""
_DEPTH = 100  # jobs that a forecast looks at in each moment

#: Whoever waits, by (tenant, user).
User = tuple[str, str]


@dataclass(frozen=True)
class Waiting:
    """A job that waits.

    Attributes
    ----------
    slots, most
        Ranks that it needs at least, and at most takes.
    seconds
        How long it is expected to run.
    after
        The jobs that must end first and have not.
    wants
        What it wants of its nodes.
    """

    id: str
    user: User
    priority: int
    slots: int
    most: int
    seconds: float
    after: tuple[str, ...] = ()
    wants: Wants = ANYWHERE


@dataclass(frozen=True)
class Running:
    """A job that holds slots; ``ends`` is when it is expected to let go of them.

    ``places`` are its slots by node; empty where there is one machine.
    """

    id: str
    user: User
    slots: int
    ends: float
    places: Slots = field(default_factory=dict)

    @property
    def where(self) -> Slots:
        """Its slots by node."""
        return self.places or {_MACHINE: self.slots}


@dataclass(frozen=True)
class Limits:
    """What may run at once; None is no limit. ``nodes`` are empty where there is one machine."""

    slots: int
    jobs_of_user: int | None = None
    slots_of_user: int | None = None
    nodes: tuple[Room, ...] = ()

    @property
    def rooms(self) -> tuple[Room, ...]:
        """The nodes, or the one machine."""
        return self.nodes or (Room(_MACHINE, self.slots),)


@dataclass
class Picture:
    """All that is known at one moment.

    Attributes
    ----------
    used
        Slot-seconds that each user used lately.
    """

    now: float
    limits: Limits
    waiting: list[Waiting]
    running: list[Running]
    used: Mapping[User, float] = field(default_factory=dict)


@dataclass
class Decision:
    """What to do now.

    Attributes
    ----------
    starts
        The jobs that start, with the slots that each gets.
    places
        Those slots by node.
    blocked
        What keeps each of the others, in the order in which they wait.
    """

    starts: dict[str, int] = field(default_factory=dict)
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    blocked: dict[str, Blocker] = field(default_factory=dict)


def in_order(waiting: Iterable[Waiting], used: Mapping[User, float]) -> Iterator[Waiting]:
    """The jobs in the order of their turn; each turn counts as used by its user and tenant."""
    queues: dict[int, dict[User, list[Waiting]]] = defaultdict(lambda: defaultdict(list))
    for job in waiting:
        queues[-job.priority][job.user].append(job)
    by_user = defaultdict(float, used)
    by_tenant: dict[str, float] = defaultdict(float)
    for (tenant, _), amount in used.items():
        by_tenant[tenant] += amount
    for _, users in sorted(queues.items()):
        yield from _fairly(users, by_user, by_tenant)


def _fairly(
    users: dict[User, list[Waiting]], by_user: dict[User, float], by_tenant: dict[str, float]
) -> Iterator[Waiting]:
    """Take turns among the users of one priority, least used first."""
    places = dict.fromkeys(users, 0)
    turns = [(by_tenant[user[0]], by_user[user], jobs[0].id, user) for user, jobs in users.items()]
    heapq.heapify(turns)
    while turns:
        known, _, _, user = heapq.heappop(turns)
        job = users[user][places[user]]
        if known != by_tenant[user[0]]:  # another user of the tenant had a turn meanwhile
            heapq.heappush(turns, (by_tenant[user[0]], by_user[user], job.id, user))
            continue
        yield job
        cost = job.slots * job.seconds
        by_user[user] += cost
        by_tenant[user[0]] += cost
        places[user] += 1
        if places[user] < len(users[user]):
            following = users[user][places[user]].id
            heapq.heappush(turns, (by_tenant[user[0]], by_user[user], following, user))


def decide(picture: Picture) -> Decision:
    """Which jobs start now, and what keeps each of the others."""
    walk = _Pass(picture)
    for job in in_order(picture.waiting, picture.used):
        walk.consider(job)
    return walk.decision


def starting(picture: Picture) -> Decision:
    """The starts of :func:`decide` alone: looks no further once nothing is free."""
    walk = _Pass(picture)
    walk.start_all(in_order(picture.waiting, picture.used))
    return walk.decision


class _Pass:
    """One walk down the queue."""

    def __init__(self, picture: Picture) -> None:
        self.decision = Decision()
        self._now = picture.now
        self._limits = picture.limits
        self._running = list(picture.running)
        self._rooms = picture.limits.rooms
        self._free = {room.name: room.slots for room in self._rooms}
        for job in picture.running:
            _take(self._free, job.where)
        self._jobs: dict[User, int] = defaultdict(int)
        self._slots: dict[User, int] = defaultdict(int)
        for job in picture.running:
            self._jobs[job.user] += 1
            self._slots[job.user] += job.slots
        self._promised: _Promise | None = None

    def start_all(self, jobs: Iterable[Waiting]) -> None:
        """Consider jobs until nothing is free any more."""
        for job in jobs:
            if self._total <= 0:
                break
            self.consider(job)

    @property
    def _total(self) -> int:
        """Slots that are free, wherever they are."""
        return sum(slots for slots in self._free.values() if slots > 0)

    def consider(self, job: Waiting) -> None:
        """Start a job, or say what keeps it."""
        blocker = self._kept_by_others(job) or self._kept_by_quota(job)
        places = None if blocker else self._places(job, self._free)
        blocker = blocker or self._kept_by_slots(job, places)
        if blocker is None and places is not None:
            self._start(job, places)
        elif blocker is not None:
            self.decision.blocked[job.id] = blocker

    def _kept_by_others(self, job: Waiting) -> Blocker | None:
        if not job.after:
            return None
        return Blocker(kind="dependency", message=f"waits for {', '.join(job.after)} to end")

    def _kept_by_quota(self, job: Waiting) -> Blocker | None:
        user, limits = job.user, self._limits
        if limits.jobs_of_user is not None and self._jobs[user] >= limits.jobs_of_user:
            message = f"'{user[1]}' has {self._jobs[user]} of {limits.jobs_of_user} jobs running"
            return Blocker(kind="quota", message=message)
        if limits.slots_of_user is not None:
            left = limits.slots_of_user - self._slots[user]
            if job.slots > left:
                message = (
                    f"needs {job.slots} slots; '{user[1]}' uses {self._slots[user]} of "
                    f"{limits.slots_of_user}"
                )
                return Blocker(kind="quota", message=message)
        return None

    def _places(self, job: Waiting, free: Slots) -> dict[str, int] | None:
        """Where it would go; none that was promised a start gets more than it must have."""
        most = job.slots if self._promised else job.most
        if self._limits.slots_of_user is not None:
            most = min(most, self._limits.slots_of_user - self._slots[job.user])
        return place(free, self._rooms, job.wants, job.user[0], job.slots, most)

    def _kept_by_slots(self, job: Waiting, places: Slots | None) -> Blocker | None:
        if places is not None:
            return self._kept_by_promise(job, places, self._promised) if self._promised else None
        if self._promised is None:
            self._promised = self._promise(job)
        return Blocker(kind="slots", message=self._too_few(job))

    def _too_few(self, job: Waiting) -> str:
        if not self._limits.nodes:
            return f"needs {job.slots} slots, {self._total} are free"
        asked = [f"{count} nodes of profile '{profile}'" for profile, count in job.wants.nodes]
        labels = f", each with {', '.join(sorted(job.wants.labels))}" if job.wants.labels else ""
        where = f" on {' and '.join(asked)}" if asked else " on nodes" if labels else ""
        suited = [room for room in self._rooms if job.wants.could_take(room, job.user[0])]
        free = sum(max(0, self._free[room.name]) for room in suited)
        return f"needs {job.slots} slots{where}{labels}; {free} are free for it"

    def _kept_by_promise(self, job: Waiting, places: Slots, promised: _Promise) -> Blocker | None:
        """A job may pass the one that was promised a start where it does not delay it."""
        left = dict(promised.free)
        _take(left, places)
        first = promised.job
        if promised.at < float("inf") and place(
            left, self._rooms, first.wants, first.user[0], first.slots, first.slots
        ):
            promised.free = left
            return None
        if self._now + job.seconds <= promised.at:
            return None
        return Blocker(
            kind="priority", message=f"would hold up job {first.id}, whose turn is before it"
        )

    def _start(self, job: Waiting, places: dict[str, int]) -> None:
        slots = sum(places.values())
        self.decision.starts[job.id] = slots
        self.decision.places[job.id] = places
        _take(self._free, places)
        self._jobs[job.user] += 1
        self._slots[job.user] += slots
        ends = self._now + job.seconds
        self._running.append(Running(job.id, job.user, slots, ends, places))

    def _promise(self, job: Waiting) -> _Promise:
        """The moment at which there will be room for it, and what is free then."""
        free = dict(self._free)
        for running in sorted(self._running, key=lambda running: running.ends):
            _give_back(free, running.where)
            if place(free, self._rooms, job.wants, job.user[0], job.slots, job.slots):
                return _Promise(job, max(running.ends, self._now), free)
        return _Promise(job, float("inf"), free)


@dataclass
class _Promise:
    """The first job that did not fit starts ``at``; ``free`` are the slots then, it left out."""

    job: Waiting
    at: float
    free: dict[str, int]


def _take(free: dict[str, int], places: Slots) -> None:
    """Count slots as taken; a node that is no longer there has none."""
    for name, slots in places.items():
        if name in free:
            free[name] -= slots


def _give_back(free: dict[str, int], places: Slots) -> None:
    for name, slots in places.items():
        if name in free:
            free[name] += slots


def forecast(picture: Picture, wanted: str) -> float | None:
    """When a waiting job starts if all run as long as expected; None when that is never.

    A job that waits for others starts as soon as those have ended. The order of turns is worked
    out once: it counts on what those before will have used.
    """
    running = {job.id: job for job in picture.running}
    ends = [(max(job.ends, picture.now), job.id) for job in picture.running]
    heapq.heapify(ends)
    waiting = {job.id: job for job in in_order(picture.waiting, picture.used)}
    now = picture.now
    while wanted in waiting:
        looked_at = itertools.islice(waiting.values(), _DEPTH)
        ready = [
            replace(job, after=()) if job.after else job
            for job in looked_at
            if not any(id_ in waiting or id_ in running for id_ in job.after)
        ]
        walk = _Pass(Picture(now, picture.limits, [], [*running.values()]))
        walk.start_all(ready)
        for id_, slots in walk.decision.starts.items():
            job = waiting.pop(id_)
            places = walk.decision.places[id_]
            running[id_] = Running(id_, job.user, slots, now + job.seconds, places)
            heapq.heappush(ends, (now + job.seconds, id_))
        if wanted in waiting:
            if not ends:
                return None
            now, ended = heapq.heappop(ends)
            del running[ended]
    return now
