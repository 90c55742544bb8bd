"""The queue: which of the jobs that wait start now, and what keeps the others.

Pure functions over a picture of the queue; nothing is read, started or stored here.

A job starts with all its ranks or not at all. The first job that does not fit is promised the
earliest moment at which it will, and later jobs may only pass it where they do not move that moment
(EASY backfill: Lifka, "The ANL/IBM SP scheduling system", 1995).
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aimass_jupyter.contract.job_queue import Blocker
from aimass_jupyter.contract.quantities import counted
from aimass_server.jobs.picture import (
    Decision,
    Free,
    Picture,
    Running,
    User,
    Waiting,
    free_of,
    give_back,
    ranks_free,
    take,
)
from aimass_server.jobs.placement import Slots, place
from aimass_server.jobs.shortage import too_few
from aimass_server.jobs.turns import in_order

ATTENDED_AT_ONCE = 2  # jobs that somebody waits for, beside those that hold slots
_DEPTH = 100  # jobs that a forecast looks at in each moment


def decide(picture: Picture) -> Decision:
    """Which jobs start now, and what keeps each of the others."""
    walk = _Pass(picture)
    walk.consider_attended(picture.waiting)
    for job in in_order(_others(picture.waiting), picture.used, picture.now):
        walk.consider(job)
    return walk.decision


def starting(picture: Picture) -> Decision:
    """The starts of :func:`decide` alone: looks no further once nothing is free."""
    walk = _Pass(picture)
    walk.consider_attended(picture.waiting)
    walk.start_all(in_order(_others(picture.waiting), picture.used, picture.now))
    return walk.decision


def _others(waiting: Iterable[Waiting]) -> list[Waiting]:
    """The jobs that nobody waits for, and that need slots therefore."""
    return [job for job in waiting if job.each.slots]


class _Pass:
    """One walk down the queue."""

    def __init__(self, picture: Picture) -> None:
        self.decision = Decision()
        self._now = picture.now
        self._limits = picture.limits
        self._running = list(picture.running)
        self._rooms = picture.limits.rooms
        self._spent = picture.spent
        self._free = free_of(self._rooms, picture.running)
        self._jobs: dict[User, int] = defaultdict(int)
        self._slots: dict[User, float] = defaultdict(float)
        for job in picture.running:
            self._jobs[job.user] += 1 if job.each.slots else 0
            self._slots[job.user] += job.slots
        self._promised: _Promise | None = None

    def consider_attended(self, jobs: Iterable[Waiting]) -> None:
        """Start what somebody waits for, beside all slots, as long as that is not too much."""
        running = sum(1 for job in self._running if not job.each.slots)
        for job in jobs:
            if job.each.slots:
                continue
            if running < ATTENDED_AT_ONCE:
                self._start(job, {room.name: job.least for room in self._rooms[:1]})
                running += 1
            else:
                text = f"of jobs that somebody waits for {ATTENDED_AT_ONCE} run at once"
                self.decision.blocked[job.id] = Blocker(kind="slots", message=text)

    def start_all(self, jobs: Iterable[Waiting]) -> None:
        """Consider jobs until nothing is free any more."""
        for job in jobs:
            if self._total <= 0:
                break
            self.consider(job)

    @property
    def _total(self) -> float:
        """Slots that are free, wherever they are."""
        return sum(amount.slots for amount in self._free.values() if amount.slots > 0)

    def consider(self, job: Waiting) -> None:
        """Start a job, or say what keeps it."""
        blocker = self._kept_by_others(job) or self._kept_by_fault(job) or self._kept_by_quota(job)
        places = None if blocker else self._places(job, self._free)
        blocker = blocker or self._kept_by_slots(job, places)
        if blocker is None and places is not None:
            self._start(job, places)
        elif blocker is not None:
            self.decision.blocked[job.id] = blocker

    def _kept_by_others(self, job: Waiting) -> Blocker | None:
        if not job.after:
            return None
        names = ", ".join(dict.fromkeys(f"'{name}'" for name in job.after_names or job.after))
        return Blocker(kind="dependency", message=f"waits for {names} to end{self._and_quota(job)}")

    def _kept_by_fault(self, job: Waiting) -> Blocker | None:
        if job.not_before <= self._now:
            return None
        at = datetime.fromtimestamp(job.not_before, UTC).strftime("%H:%M:%S UTC")
        message = f"is tried again at {at}, after a fault{self._and_quota(job)}"
        return Blocker(kind="retry", message=message)

    def _and_quota(self, job: Waiting) -> str:
        """What will keep it after that, if it is more than others that run."""
        spent = self._spent.get(job.user)
        return f"; {spent}" if spent else ""

    def _kept_by_quota(self, job: Waiting) -> Blocker | None:
        user, limits = job.user, self._limits
        if spent := self._spent.get(user):
            return Blocker(kind="quota", message=spent)
        if limits.jobs_of_user is not None and self._jobs[user] >= limits.jobs_of_user:
            message = f"'{user[1]}' has {self._jobs[user]} of {limits.jobs_of_user} jobs running"
            return Blocker(kind="quota", message=message)
        if limits.slots_of_user is not None:
            left = limits.slots_of_user - self._slots[user]
            if job.slots > left:
                message = (
                    f"needs {counted(job.slots, 'slot')}; '{user[1]}' uses "
                    f"{self._slots[user]:g} of {limits.slots_of_user}"
                )
                return Blocker(kind="quota", message=message)
        return None

    def _places(self, job: Waiting, free: Free) -> dict[str, int] | None:
        """Where it would go; none that was promised a start gets more than it must have."""
        most = job.least if self._promised else job.most
        if self._limits.slots_of_user is not None:
            left = self._limits.slots_of_user - self._slots[job.user]
            most = min(most, int(left // job.each.slots))
        return self._room_for(job, free, most)

    def _room_for(self, job: Waiting, free: Free, most: int) -> dict[str, int] | None:
        """Where the ranks of a job would go, all that it needs or none."""
        ranks = ranks_free(free, job.each)
        return place(ranks, self._rooms, job.wants, job.user[0], job.least, most)

    def _kept_by_slots(self, job: Waiting, places: Slots | None) -> Blocker | None:
        if places is not None:
            return self._kept_by_promise(job, places, self._promised) if self._promised else None
        if self._promised is None:
            self._promised = self._promise(job)
        return Blocker(kind="slots", message=too_few(job, self._free, self._limits))

    def _kept_by_promise(self, job: Waiting, places: Slots, promised: _Promise) -> Blocker | None:
        """A job may pass the one that was promised a start where it does not delay it."""
        left = dict(promised.free)
        take(left, places, job.each)
        first = promised.job
        if promised.at < float("inf") and self._room_for(first, left, first.least):
            promised.free = left
            return None
        if self._now + job.seconds <= promised.at:
            return None
        theirs = first.user[0] != job.user[0]
        who = "a job of another tenant" if theirs else f"'{first.name}' ({first.id})"
        return Blocker(kind="priority", message=f"would hold up {who}, whose turn is before it")

    def _start(self, job: Waiting, places: dict[str, int]) -> None:
        ranks = sum(places.values())
        self.decision.starts[job.id] = ranks
        self.decision.places[job.id] = places
        take(self._free, places, job.each)
        begun = _begun(job, ranks, places, self._now)
        self._jobs[job.user] += 1 if job.each.slots else 0
        self._slots[job.user] += begun.slots
        self._running.append(begun)

    def _promise(self, job: Waiting) -> _Promise:
        """The moment at which there will be room for it, and what is free then."""
        free = dict(self._free)
        for running in sorted(self._running, key=lambda running: running.ends):
            give_back(free, running.where, running.each)
            if self._room_for(job, free, job.least):
                return _Promise(job, max(running.ends, self._now), free)
        return _Promise(job, float("inf"), free)


@dataclass
class _Promise:
    """The first job that did not fit starts ``at``; ``free`` is what there is then, it left out."""

    job: Waiting
    at: float
    free: Free


def _begun(job: Waiting, ranks: int, places: dict[str, int], now: float) -> Running:
    """A job that starts now."""
    return Running(
        job.id, job.user, ranks, now + job.seconds, places, job.each, priority=job.priority
    )


def forecast(picture: Picture, wanted: str) -> float | None:
    """When a waiting job starts if all run as long as expected; None when that is never.

    A job that waits for others starts as soon as those have ended. The order of turns is worked
    out once: it counts on what those before will have used.
    """
    running = {job.id: job for job in picture.running}
    ends = [(max(job.ends, picture.now), job.id) for job in picture.running]
    heapq.heapify(ends)
    others = _others(picture.waiting)
    waiting = {job.id: job for job in in_order(others, picture.used, picture.now)}
    if picture.spent and picture.anew < float("inf"):
        heapq.heappush(ends, (picture.anew, ""))
    for job in picture.waiting:
        if job.not_before > picture.now:  # a moment to look again, at which nothing ends
            heapq.heappush(ends, (job.not_before, ""))
    now = picture.now
    while wanted in waiting:
        due = (job for job in waiting.values() if job.not_before <= now)
        looked_at = itertools.islice(due, _DEPTH)
        ready = [
            replace(job, after=()) if job.after else job
            for job in looked_at
            if not any(id_ in waiting or id_ in running for id_ in job.after)
        ]
        spent = picture.spent if now < picture.anew else {}
        walk = _Pass(Picture(now, picture.limits, [], [*running.values()], spent=spent))
        walk.start_all(ready)
        for id_, ranks in walk.decision.starts.items():
            job = waiting.pop(id_)
            running[id_] = _begun(job, ranks, walk.decision.places[id_], now)
            heapq.heappush(ends, (now + job.seconds, id_))
        if wanted in waiting:
            if not ends:
                return None
            now, ended = heapq.heappop(ends)
            running.pop(ended, None)
    return now
