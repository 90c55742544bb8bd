"""Remarks on jobs that wait: deadlines in danger, who makes room, why they wait again."""

from __future__ import annotations

from datetime import datetime

from aimass_jupyter.contract.durations import duration_in_words
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.quantities import counted

_LATE = "its deadline"
_RUNS_TOLD = 3


def is_late(job: Job, now: float) -> bool:
    """Whether its deadline has passed and nobody was told."""
    deadline = job.options.deadline
    if deadline is None or deadline.timestamp() > now:  # most of thousands
        return False
    return not any(warning.startswith(_LATE) for warning in job.warnings)


def late_remark(job: Job) -> str:
    """That its deadline has passed, in words."""
    deadline = job.options.deadline
    assert deadline is not None  # it is late
    return f"{_LATE}, {_clock(deadline)}, passed while it was {job.state}"


def notes_on(
    job: Job, holding: list[Job], starts: float | None, expected: float, now: float
) -> list[str]:
    """What concerns the turn of a job that waits, beside what keeps it.

    Parameters
    ----------
    holding
        The jobs that hold slots of its cluster.
    starts
        When it should start; None when that is not known.
    """
    runs = [f"run {n} ended: {attempt.cause.message}" for n, attempt in enumerate(job.attempts, 1)]
    notes = runs[-_RUNS_TOLD:]
    if len(runs) > _RUNS_TOLD:
        notes.insert(0, f"it ran {len(runs)} times; the last of them:")
    leaving = [other for other in holding if other.state == "stopping"]
    if leaving:
        notes.append(f"about to free their slots: {_names(leaving, job.tenant)}")
    if job.options.deadline is not None:
        notes += _of_deadline(job.options.deadline, starts, expected, now)
    return notes


def _names(others: list[Job], tenant: str) -> str:
    """What jobs are called; those of other tenants are only counted."""
    names = [f"'{other.name}'" for other in others if other.tenant == tenant]
    if hidden := len(others) - len(names):
        names.append(f"{counted(hidden, 'job')} of other tenants")
    return ", ".join(names)


def _of_deadline(
    deadline: datetime, starts: float | None, expected: float, now: float
) -> list[str]:  # fmt: skip
    if deadline.timestamp() <= now:
        return [f"{_LATE}, {_clock(deadline)}, has passed; it counts no more"]
    if starts is None:
        return [f"{_LATE}, {_clock(deadline)}, is in danger: when it starts is not known"]
    late = starts + expected - deadline.timestamp()
    if late <= 0:
        return []
    return [f"as it looks it misses {_LATE}, {_clock(deadline)}, by {duration_in_words(late)}"]


def _clock(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")
