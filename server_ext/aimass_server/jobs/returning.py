"""Going back into the queue: which jobs that ended do, when, and what their folders are then.

``attempts.json`` in a job's folder says how it ran before; it is written first, so that a crash in
the middle loses nothing and counts nothing twice. How ranks are started again in one run of a job
is the supervisor's matter, not this module's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Attempt, Cause, Job
from aimass_jupyter.host import read_record, write_record
from aimass_server.jobs.notes import ATTEMPTS_RECORD, RESTARTS_RECORD
from aimass_server.store import Store, jobs

FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 600.0

#: Faults that another try may not meet again. What its own code or data did is none of them.
RETRIED = frozenset({"signal", "lost", "node-lost", "stalled", "disk-full"})


def pause_before(retry: int) -> float:
    """Seconds before a retry, counted from 1: each twice the one before, up to ten minutes."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(retry - 1, 30))


def retries_of(attempts: list[Attempt]) -> int:
    """How many of them ended by a fault."""
    return sum(attempt.cause.code != "preempted" for attempt in attempts)


def most_ranks(job: Job) -> int:
    """The ranks that a job takes at most: fewer than those that ran out of memory before."""
    most = max(job.np, job.options.max_np or job.np)
    too_many = [a.np for a in job.attempts if a.cause.code == "out-of-memory"]
    return min([most, *(np - 1 for np in too_many)])


def seconds_run(job: Job) -> float:
    """How long it ran before it went back into the queue."""
    return sum(attempt.seconds for attempt in job.attempts)


def goes_back(job: Job, cause: Cause) -> bool:
    """Whether a job that ended for this cause is queued again."""
    if cause.code == "preempted":
        return True
    if job.state == "stopping" or retries_of(job.attempts) >= job.options.retries:
        return False
    if cause.code == "out-of-memory":  # with as many ranks the same would happen again
        return job.options.min_np is not None and job.options.min_np < job.np
    return cause.code in RETRIED


async def send_back(store: Store, job: Job, attempts: list[Attempt]) -> Job:
    """Queue a job again whose folder was put back."""
    last = attempts[-1]
    pause = 0.0 if last.cause.code == "preempted" else pause_before(retries_of(attempts))
    changes: dict[str, Any] = {
        "attempts": [attempt.model_dump(mode="json") for attempt in attempts],
        "not_before": last.ended_at + timedelta(seconds=pause) if pause else None,
        "started_at": None,
        "start": None,
        "places": [],
        "devices": {},
    }
    holding = jobs.HOLDS_SLOTS
    return await store.write(lambda c: jobs.move(c, job.id, holding, "queued", **changes))


def put_back(folder: Path, job: Job, cause: Cause, ended_at: datetime | None) -> list[Attempt]:
    """Make the folder of a job that ended one that can be started; all its attempts."""
    record = read_record(folder / "started.json") or read_record(folder / "exit.json") or {}
    attempts = read_attempts(folder)
    begun = datetime.fromisoformat(record["started_at"]) if record else utc_now()
    if not attempts or attempts[-1].started_at != begun:
        restarts = int((read_record(folder / RESTARTS_RECORD) or {}).get("restarts", 0))
        ended = max(begun, ended_at or utc_now())
        attempts.append(
            Attempt(started_at=begun, ended_at=ended, np=job.np, cause=cause, restarts=restarts)
        )
        record = {"attempts": [attempt.model_dump(mode="json") for attempt in attempts]}
        write_record(folder / ATTEMPTS_RECORD, record)
    for name in (RESTARTS_RECORD, "launch.json", "stop.json", "started.json", "exit.json"):
        (folder / name).unlink(missing_ok=True)
    return attempts


def read_attempts(folder: Path) -> list[Attempt]:
    """How the job of a folder ran before it was queued again; blocks on the disk."""
    record = read_record(folder / ATTEMPTS_RECORD) or {}
    return [Attempt.model_validate(entry) for entry in record.get("attempts", [])]


def stopped_by_person(folder: Path) -> str:
    """Who asked for its end beside the queue and its supervisor; empty when nobody did."""
    asked = read_record(folder / "stop.json") or {}
    return "" if asked.get("cause") else str(asked.get("by", ""))
