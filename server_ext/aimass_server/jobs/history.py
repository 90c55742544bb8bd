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
_ALIKE_IN_MEMORY = 3  # likenesses that tell of memory: with as many ranks, on the same data


@dataclass
class _Use:
    amount: float = 0.0
    at: float = 0.0

    def after(self, now: float) -> float:
        """What is left of it: half is forgotten in a half-life."""
        return self.amount * math.exp2(-max(0.0, now - self.at) / HALF_LIFE_SECONDS)


class History:
    """Durations and use, learnt from the jobs that ended."""

    def __init__(self) -> None:
        self._durations: dict[Hashable, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
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
                for likeness in _likenesses(job):
                    self._durations[likeness].append(seconds)

    def _charge(self, job: Job, seconds: float) -> None:
        use, now = self._used[(job.tenant, job.owner)], job.ended_at.timestamp()  # type: ignore[union-attr]
        use.amount, use.at = use.after(now) + job.slots * seconds, max(use.at, now)

    def seconds_of(self, job: Job) -> float:
        """How long a job is expected to run: the median of those most like it."""
        for likeness in _likenesses(job):
            if known := self._durations.get(likeness):
                return statistics.median(known)
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
