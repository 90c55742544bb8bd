"""Jobs in the database. A state changes by compare-and-set, together with its event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.jobs import FINAL_STATES, Job, JobList, JobState
from aimass_jupyter.contract.runs import MetricSummary
from aimass_server.store import names, paging, runs
from aimass_server.store.events import record
from aimass_server.store.tables import jobs

ACTIVE: tuple[JobState, ...] = ("queued", "starting", "running", "stopping")
HOLDS_SLOTS: tuple[JobState, ...] = ("starting", "running", "stopping")
_IDS_AT_ONCE = 500


def insert(connection: Connection, job: Job, dataset_digest: str, label: str) -> None:
    """Queue a job, with its run and its event."""
    row = job.model_dump(exclude={"progress"})
    row["options"] = job.options.model_dump(mode="json")
    connection.execute(
        jobs.insert().values(
            **row,
            fence=0,
            dataset_digest=dataset_digest,
            label=label,
            source_digest=_bytes_of(job),
        )
    )
    if job.kind == "training":
        runs.create(connection, job)
    _record(connection, job, "queued")


def move(
    connection: Connection,
    job_id: str,
    allowed: tuple[JobState, ...],
    state: JobState,
    **changes: Any,
) -> Job:
    """Change a job's state if it is in one of the allowed states, with its event.

    Raises
    ------
    Conflict
        When its state is another one by now: somebody else was first, or it has ended.
    """
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
    if row.state not in allowed:
        raise Conflict(f"job '{row.name}' is {row.state}", "see: jobs show " + row.id)
    changed = connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id, jobs.c.fence == row.fence)
        .values(state=state, fence=row.fence + 1, **changes)
    )
    if not changed.rowcount:
        raise Conflict(f"job '{row.name}' was changed by somebody else just now", "try again")
    job = by_id(connection, job_id)
    if row.state != state:
        runs.follow(connection, job)
        _record(connection, job, state)
    return job


def end(
    connection: Connection,
    job_id: str,
    allowed: tuple[JobState, ...],
    state: JobState,
    summaries: Mapping[str, MetricSummary],
    **changes: Any,
) -> Job:
    """Move a job to a final state; its run takes the last of its curves, in one transaction."""
    job = move(connection, job_id, allowed, state, **changes)
    runs.summarise(connection, job, summaries)
    return job


def by_id(connection: Connection, job_id: str) -> Job:
    """A job by its id."""
    return _job(connection.execute(select(jobs).where(jobs.c.id == job_id)).one())


def get(connection: Connection, reference: str, tenant: str) -> Job:
    """A job by id, or the newest of a name."""
    return _job(names.find(connection, jobs, "job", reference, tenant))


def page(connection: Connection, request: JobList, tenant: str) -> Page[Job]:
    """A page of jobs, newest first."""
    query = select(jobs).where(jobs.c.tenant == tenant)
    if request.kind:
        query = query.where(jobs.c.kind == request.kind)
    if request.state == "active":
        query = query.where(jobs.c.state.in_(ACTIVE))
    elif request.state:
        query = query.where(jobs.c.state == request.state)
    return paging.page(connection, query, jobs.c.id, request, _job, descending=True)


def holding_slots(connection: Connection) -> list[Job]:
    """Every job that starts, runs or is being stopped, oldest first, of all tenants."""
    query = select(jobs).where(jobs.c.state.in_(HOLDS_SLOTS)).order_by(jobs.c.id)
    return [_job(row) for row in connection.execute(query)]


def queued_ids(connection: Connection) -> list[str]:
    """The ids of every job that waits, oldest first, of all tenants."""
    query = select(jobs.c.id).where(jobs.c.state == "queued").order_by(jobs.c.id)
    return list(connection.scalars(query))


def any_queued(connection: Connection, cluster_id: str) -> bool:
    """Whether a job waits for a cluster."""
    query = select(jobs.c.id).where(jobs.c.state == "queued", jobs.c.cluster_id == cluster_id)
    return connection.execute(query.limit(1)).first() is not None


def waiting_of(connection: Connection, tenant: str, owner: str) -> int:
    """How many jobs of a user wait."""
    query = select(func.count()).where(
        jobs.c.tenant == tenant, jobs.c.state == "queued", jobs.c.owner == owner
    )
    return connection.scalar(query) or 0


def by_ids(connection: Connection, ids: Iterable[str]) -> list[Job]:
    """Jobs by their ids; those that are gone are left out."""
    found: list[Job] = []
    wanted = list(ids)
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        some = wanted[start : start + _IDS_AT_ONCE]
        rows = connection.execute(select(jobs).where(jobs.c.id.in_(some)))
        found += [_job(row) for row in rows]
    return found


def inputs(connection: Connection, job_id: str) -> tuple[str, str]:
    """The digest of a job's data and its label."""
    query = select(jobs.c.dataset_digest, jobs.c.label).where(jobs.c.id == job_id)
    row = connection.execute(query).one()
    return row.dataset_digest, row.label


def ended_lately(connection: Connection, since: datetime, limit: int | None) -> list[Job]:
    """The newest jobs that ended after a time, oldest first, of all tenants; None is all."""
    query = select(jobs).where(jobs.c.state.in_(FINAL_STATES), jobs.c.ended_at > since)
    rows = connection.execute(query.order_by(jobs.c.id.desc()).limit(limit)).all()
    return [_job(row) for row in reversed(rows)]


def failed_of(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Of some jobs, those that ended without success: id to name."""
    failed = (jobs.c.state.in_(FINAL_STATES)) & (jobs.c.state != "succeeded")
    query = select(jobs.c.id, jobs.c.name).where(jobs.c.id.in_(list(ids)), failed)
    return {row.id: row.name for row in connection.execute(query)}


def slots_used(connection: Connection) -> float:
    """The slots of jobs that are starting, running or stopping."""
    return sum(job.slots for job in holding_slots(connection))


def counts(connection: Connection, tenant: str) -> dict[str, int]:
    """Jobs by state."""
    query = select(jobs.c.state, func.count().label("number")).where(jobs.c.tenant == tenant)
    rows = connection.execute(query.group_by(jobs.c.state)).all()
    return {row.state: row.number for row in rows}


def _bytes_of(job: Job) -> str | None:
    """The digest of what a job reads beside its dataset."""
    read = job.source or job.input
    return read.digest if read else None


def _record(connection: Connection, job: Job, happening: str) -> None:
    cause = job.cause.message if job.cause and job.state in FINAL_STATES else None
    record(
        connection,
        f"jobs.{happening}",
        subject=job.id,
        name=job.name,
        owner=job.owner,
        tenant=job.tenant,
        state=job.state,
        cause=cause,
        model=job.model,
    )


def _job(row: Row[Any]) -> Job:
    columns = dict(zip(row._fields, row, strict=True))  # what is no field of a job is let go
    return Job.model_validate(columns)
