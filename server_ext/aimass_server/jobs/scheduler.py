"""The scheduler: looks at the unfinished jobs and says which start, and why the others wait.

It starts nothing and changes no state: the runner does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import get_args

from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Cause, Job, Priority, Why
from aimass_server.jobs.history import History
from aimass_server.jobs.queue import (
    Decision,
    Limits,
    Picture,
    Running,
    Waiting,
    decide,
    forecast,
    in_order,
)
from aimass_server.store import Store, jobs

_LEARNT_FROM = 2000
_LEARNT_DAYS = 30
_OVERRUN = 0.25  # a job that runs longer than expected is taken to run so much longer still
_PRIORITIES = {name: level for level, name in enumerate(get_args(Priority))}


class Scheduler:
    """Decides over the slots of this machine.

    Parameters
    ----------
    slots
        Ranks that fit on it at once.
    time_left
        Seconds that a running job says it still takes; None when it says nothing.
    """

    def __init__(self, store: Store, slots: int, time_left: Callable[[str], float | None]) -> None:
        self._store = store
        self._time_left = time_left
        self._limits = Limits(slots)
        self._history = History()

    async def open(self) -> None:
        """Learn from the jobs that ended before this control plane began."""
        since = utc_now() - timedelta(days=_LEARNT_DAYS)
        self.learn(await self._store.read(lambda c: jobs.ended_lately(c, since, _LEARNT_FROM)))

    def learn(self, ended: Iterable[Job]) -> None:
        """Take in jobs that ended."""
        self._history.learn(ended)

    def decide(self, unfinished: list[Job]) -> Decision:
        """Which jobs start now, with how many slots, and what keeps the others."""
        return decide(self._picture(unfinished))

    async def hopeless(self, queued: list[Job]) -> list[tuple[Job, Cause]]:
        """The jobs that can never start, with why."""
        wanted = {id_ for job in queued for id_ in job.options.after}
        failed = await self._store.read(lambda c: jobs.failed_of(c, wanted)) if wanted else {}
        found = [(job, self._hopeless(job, failed)) for job in queued]
        return [(job, cause) for job, cause in found if cause]

    def _hopeless(self, job: Job, failed: dict[str, str]) -> Cause | None:
        if _least(job) > self._limits.slots:
            message = f"it needs {_least(job)} slots, this machine has {self._limits.slots} now"
            return Cause(code="not-started", message=message)
        for id_ in job.options.after:
            if id_ in failed:
                message = f"job '{failed[id_]}', which it waits for, did not succeed"
                return Cause(code="dependency", message=message)
        return None

    async def why(self, job: Job) -> Why:
        """Why a job waits, and until when."""
        expected = self._history.seconds_of(job)
        told = Why(job=job.id, name=job.name, state=job.state)
        if job.state != "queued":
            return told if job.final else told.model_copy(update={"expected_seconds": expected})
        picture = self._picture(await self._store.read(jobs.unfinished))
        order = [waiting.id for waiting in in_order(picture.waiting, picture.used)]
        starts = await asyncio.to_thread(forecast, picture, job.id)
        blocker = decide(picture).blocked.get(job.id)
        return told.model_copy(
            update={
                "position": order.index(job.id) + 1 if job.id in order else None,
                "waiting": len(order),
                "blockers": [blocker] if blocker else [],
                "starts_in_seconds": None if starts is None else starts - picture.now,
                "expected_seconds": expected,
            }
        )

    def _picture(self, unfinished: list[Job]) -> Picture:
        now = utc_now().timestamp()
        ids = {job.id for job in unfinished}
        waiting = [self._waiting(job, ids) for job in unfinished if job.state == "queued"]
        running = [self._running(job, now) for job in unfinished if job.state != "queued"]
        return Picture(now, self._limits, waiting, running, self._history.used(now))

    def _waiting(self, job: Job, unfinished: set[str]) -> Waiting:
        return Waiting(
            id=job.id,
            user=(job.tenant, job.owner),
            priority=_PRIORITIES[job.options.priority],
            slots=_least(job),
            most=max(job.np, job.options.max_np or job.np),
            seconds=self._history.seconds_of(job),
            after=tuple(id_ for id_ in job.options.after if id_ in unfinished),
        )

    def _running(self, job: Job, now: float) -> Running:
        left = self._time_left(job.id)
        if left is None:
            begun = job.started_at.timestamp() if job.started_at else now
            expected = self._history.seconds_of(job)
            left = max(begun + expected - now, _OVERRUN * (now - begun))
        ends = now + left
        return Running(job.id, (job.tenant, job.owner), job.np, ends)


def _least(job: Job) -> int:
    """The slots without which a job cannot start."""
    return min(job.np, job.options.min_np or job.np)
