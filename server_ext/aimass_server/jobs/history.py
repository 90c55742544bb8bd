"""What earlier jobs tell: how long one like them runs, what it takes, who used the machine."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.picture import User

UNKNOWN_SECONDS = 60.0
HALF_LIFE_SECONDS = 6 * 3600.0
_KEPT = 9
_SAME_EPOCHS = 2  # likenesses that tell of the same work for as many epochs
_SHARE_OF_EPOCHS = 0.5  # of a job, where all that are known had as many
_NEWS = 0.2  # by which a running job's length must change to tell of others anew
_ALIKE_IN_MEMORY = 3  # likenesses that tell of memory: with as many ranks, on the same data


@dataclass
class _Use:
    amount: float = 0.0
    at: float = 0.0

    def after(self, now: float) -> float:
        """What is left of it: half is forgotten in a half-life."""
        return self.amount * math.exp2(-max(0.0, now - self.at) / HALF_LIFE_SECONDS)


class _Durations:
    """How long jobs ran, by what makes them alike."""

    def __init__(self) -> None:
        self._seconds: dict[Hashable, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._paces: dict[Hashable, deque[tuple[float, float]]] = defaultdict(
            lambda: deque(maxlen=_KEPT)
        )

    def add(self, job: Job, seconds: float) -> None:
        """Take in a job."""
        for likeness in _likenesses(job):
            self._seconds[likeness].append(seconds)
        if epochs := _epochs(job):
            self._paces[_pace(job)].append((epochs, seconds))

    def of(self, likeness: Hashable) -> float | None:
        """The median of those that are alike."""
        known = self._seconds.get(likeness)
        return statistics.median(known) if known else None

    def at_its_pace(self, job: Job) -> float | None:
        """As long as the same work for other epochs tells: a start, and so much an epoch."""
        epochs, known = _epochs(job), self._paces.get(_pace(job))
        if not epochs or not known:
            return None
        some, seconds = (statistics.fmean(values) for values in zip(*known, strict=True))
        spread = sum((e - some) ** 2 for e, _ in known)
        each = seconds * _SHARE_OF_EPOCHS / some
        if spread:
            slope = sum((e - some) * (s - seconds) for e, s in known) / spread
            each = min(max(slope, 0.0), seconds / some)
        return seconds + each * (epochs - some)


class History:
    """Durations and use, learnt from the jobs that ended, and from those that run."""

    def __init__(self) -> None:
        self._ended = _Durations()
        self._running = _Durations()
        self._expected: dict[str, float] = {}
        self._peaks: dict[Hashable, deque[int]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._used: dict[User, _Use] = defaultdict(_Use)

    def learn(self, ended: Iterable[Job]) -> None:
        """Take in jobs that ended, oldest first."""
        for job in ended:
            if job.started_at is None or job.ended_at is None:
                continue
            seconds = (job.ended_at - job.started_at).total_seconds()
            seconds += sum(attempt.seconds for attempt in job.attempts)
            self._charge(job, seconds)
            if job.peak_memory_bytes:
                for likeness in _likenesses(job)[:_ALIKE_IN_MEMORY]:
                    self._peaks[likeness].append(job.peak_memory_bytes)
            if job.state == "succeeded":
                self._ended.add(job, seconds)

    def _charge(self, job: Job, seconds: float) -> None:
        use, now = self._used[(job.tenant, job.owner)], job.ended_at.timestamp()  # type: ignore[union-attr]
        use.amount, use.at = use.after(now) + job.slots * seconds, max(use.at, now)

    def watch(self, running: Iterable[tuple[Job, float]]) -> bool:
        """Take in how long the jobs that run should take; whether that is news.

        They tell of the jobs of which no other like them has ended.
        """
        seconds = {
            job.id: (job, expected)
            for job, expected in running
            if self._ended.of(_likenesses(job)[_SAME_EPOCHS - 1]) is None
        }
        before = self._expected
        if seconds.keys() == before.keys() and not any(
            abs(expected - before[id_]) > _NEWS * before[id_]
            for id_, (_, expected) in seconds.items()
        ):
            return False
        self._expected = {id_: expected for id_, (_, expected) in seconds.items()}
        self._running = _Durations()
        for job, expected in seconds.values():
            self._running.add(job, expected)
        return True

    def seconds_of(self, job: Job) -> float:
        """How long a job is expected to run: the median of those most like it."""
        closest, others = _likenesses(job)[:_SAME_EPOCHS], _likenesses(job)[_SAME_EPOCHS:]
        for likeness in closest:
            if known := self._ended.of(likeness) or self._running.of(likeness):
                return known
        if known := self._ended.at_its_pace(job) or self._running.at_its_pace(job):
            return known
        for likeness in others:
            if known := self._ended.of(likeness) or self._running.of(likeness):
                return known
        return UNKNOWN_SECONDS

    def memory_of(self, job: Job) -> int:
        """The memory that each rank of a job should take: the most that those like it took.

        0 when none like it is known.
        """
        for likeness in _likenesses(job)[:_ALIKE_IN_MEMORY]:
            if known := self._peaks.get(likeness):
                return max(known)
        return 0

    def used(self, now: float) -> dict[User, float]:
        """Slot-seconds that each user used lately."""
        return {user: use.after(now) for user, use in self._used.items()}


def _likenesses(job: Job) -> list[Hashable]:
    """What makes jobs alike, the closest likeness first."""
    work = (job.tenant, job.kind, job.algorithm, job.dataset.partition("@")[0])
    epochs = job.params.get("epochs")
    return [
        (*work, job.name, job.engine, job.np, epochs),
        (*work, job.engine, job.np, epochs),
        (*work, job.np),
        work,
        (job.tenant, job.kind),
        (job.tenant,),
    ]


def _epochs(job: Job) -> float:
    """For how many epochs it trains; 0 when nobody said."""
    epochs = job.params.get("epochs")
    return float(epochs) if isinstance(epochs, int | float) and epochs > 0 else 0.0


def _pace(job: Job) -> Hashable:
    """The same work on as many ranks takes as long an epoch."""
    return (job.tenant, job.kind, job.algorithm, job.dataset.partition("@")[0], job.engine, job.np)
