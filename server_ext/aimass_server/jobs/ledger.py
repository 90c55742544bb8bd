"""The ledger: slot-hours and GPU-hours that users and tenants spent in the period that runs now.

It is worked out from the records of jobs, so there is nothing to repair after a crash. Periods are
days, weeks (from Monday) and months of the calendar, in UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from aimass_jupyter.contract.jobs import Attempt, Job
from aimass_server.jobs.picture import User

Period = Literal["day", "week", "month"]

_HOUR = 3600.0


class Spent(NamedTuple):
    """Seconds times slots, and seconds times GPUs."""

    slots: float = 0.0
    gpus: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.slots + other.slots, self.gpus + other.gpus)


@dataclass(frozen=True)
class Quotas:
    """Hours that may be spent in a period; 0 is no limit."""

    period: Period = "week"
    slot_hours_of_user: float = 0.0
    slot_hours_of_tenant: float = 0.0
    gpu_hours_of_user: float = 0.0
    gpu_hours_of_tenant: float = 0.0

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return any(
            (
                self.slot_hours_of_user, self.slot_hours_of_tenant,
                self.gpu_hours_of_user, self.gpu_hours_of_tenant,
            )
        )  # fmt: skip


class Ledger:
    """What was spent, as far as quotas need to know it."""

    def __init__(self, quotas: Quotas) -> None:
        self.quotas = quotas
        self._ended: dict[str, Job] = {}

    def learn(self, ended: Iterable[Job]) -> None:
        """Take in jobs that ended; each counts once."""
        if self.quotas.any:
            self._ended |= {job.id: job for job in ended}

    def spent_by(self, unfinished: Iterable[Job], now: datetime) -> dict[User, Spent]:
        """What each user spent in the period that runs now."""
        since = period_of(self.quotas.period, now)[0]
        self._ended = {i: job for i, job in self._ended.items() if _end(job, now) > since}
        spent: dict[User, Spent] = defaultdict(Spent)
        for job in (*self._ended.values(), *unfinished):
            user = (job.tenant, job.owner)
            spent[user] = spent[user].plus(_cost(job, since, now))
        return dict(spent)

    def refusals(self, unfinished: Iterable[Job], now: datetime) -> dict[User, str]:
        """Which users may start nothing more in this period, and why."""
        if not self.quotas.any:
            return {}
        jobs = list(unfinished)
        by_user = self.spent_by(jobs, now)
        by_tenant: dict[str, Spent] = defaultdict(Spent)
        for (tenant, _), spent in by_user.items():
            by_tenant[tenant] = by_tenant[tenant].plus(spent)
        users = {(job.tenant, job.owner) for job in jobs}
        told = {
            user: self._refusal(user, by_user.get(user, Spent()), by_tenant[user[0]], now)
            for user in users
        }
        return {user: why for user, why in told.items() if why}

    def _refusal(self, user: User, own: Spent, all_: Spent, now: datetime) -> str:
        quotas, (tenant, name) = self.quotas, user
        limits = (
            (own.slots, quotas.slot_hours_of_user, f"user '{name}'", "slot-hours"),
            (own.gpus, quotas.gpu_hours_of_user, f"user '{name}'", "GPU-hours"),
            (all_.slots, quotas.slot_hours_of_tenant, f"tenant '{tenant}'", "slot-hours"),
            (all_.gpus, quotas.gpu_hours_of_tenant, f"tenant '{tenant}'", "GPU-hours"),
        )
        for seconds, hours, who, what in limits:
            if hours and seconds >= hours * _HOUR:
                anew = period_of(quotas.period, now)[1].strftime("%Y-%m-%d %H:%M UTC")
                return (
                    f"{who} has spent {seconds / _HOUR:.2f} of {hours:g} {what} this "
                    f"{quotas.period}; they begin anew at {anew}"
                )
        return ""


def period_of(period: Period, now: datetime) -> tuple[datetime, datetime]:
    """When the period that runs now began, and when the next one begins."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _end(job: Job, now: datetime) -> datetime:
    return job.ended_at or now


def _cost(job: Job, since: datetime, now: datetime) -> Spent:
    """What all runs of a job cost after a time."""
    spent = Spent()
    for attempt in job.attempts:
        spent = spent.plus(_of_run(job, attempt, since))
    if job.started_at is not None:
        seconds = max(0.0, (_end(job, now) - max(since, job.started_at)).total_seconds())
        spent = spent.plus(_times(job, job.np, seconds))
    return spent


def _of_run(job: Job, attempt: Attempt, since: datetime) -> Spent:
    seconds = max(0.0, (attempt.ended_at - max(since, attempt.started_at)).total_seconds())
    return _times(job, attempt.np, seconds)


def _times(job: Job, ranks: int, seconds: float) -> Spent:
    return Spent(seconds * ranks * job.slots_each, seconds * ranks * job.options.gpus)
