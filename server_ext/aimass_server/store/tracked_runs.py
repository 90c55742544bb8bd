"""Runs without a job in the database: made, given parameters, ended, taken for lost, gone on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select

from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.jobs import Cause, JobState
from aimass_jupyter.contract.runs import MetricSummary, Run
from aimass_jupyter.contract.tracked import RunStart
from aimass_server.store import experiments
from aimass_server.store import runs as all_runs
from aimass_server.store.tables import runs


def insert(
    connection: Connection, run_id: str, request: RunStart, owner: str, tenant: str, now: datetime
) -> Run:
    """Make a run that goes on from now."""
    experiment = request.experiment or request.name
    experiments.ensure(connection, experiment, owner, tenant, now)
    all_runs.insert(
        connection,
        id=run_id,
        owner=owner,
        tenant=tenant,
        created_at=now,
        name=request.name,
        experiment=experiment,
        job=None,
        state="running",
        params=request.params,
        notes=request.notes,
        started_at=now,
    )
    all_runs.add_tags(connection, run_id, request.tags)
    return _happened(connection, run_id, "started", owner)


def add_params(connection: Connection, run: Run, params: Mapping[str, Any], limit: int) -> Run:
    """Add parameters, or change some.

    Raises
    ------
    Conflict
        When the run would have too many.
    """
    together = {**by_id(connection, run.id).params, **params}
    if len(together) > limit:
        raise Conflict(f"run '{run.name}' would have {len(together)} parameters, of {limit}")
    connection.execute(runs.update().where(runs.c.id == run.id).values(params=together))
    return by_id(connection, run.id)


def end(
    connection: Connection,
    run_id: str,
    state: JobState,
    cause: Cause,
    now: datetime,
    summaries: Mapping[str, MetricSummary],
    actor: str,
) -> Run:
    """End a run, with the last of its curves; one that has ended so stays as it is.

    A run that was taken for lost may still be ended: its program was only silent.

    Raises
    ------
    Conflict
        When it has ended otherwise.
    """
    before = by_id(connection, run_id)
    if before.state == state or (state == "lost" and before.state != "running"):
        return before
    if before.state not in ("running", "lost"):
        raise Conflict(
            f"run '{before.name}' has ended: it {before.state}", f"see: runs show {run_id}"
        )
    values = {"state": state, "cause": cause.model_dump(), "ended_at": now}
    all_runs.move(connection, runs.c.id == run_id, **values)
    all_runs.keep_metrics(connection, run_id, summaries)
    return _happened(connection, run_id, "ended", actor, state=state, cause=cause.message)


def go_on(connection: Connection, run_id: str, actor: str) -> Run:
    """A run that was taken for lost is heard of again."""
    values = {"state": "running", "cause": None, "ended_at": None}
    lost = and_(runs.c.id == run_id, runs.c.state == "lost")
    if not all_runs.move(connection, lost, **values):
        return by_id(connection, run_id)
    return _happened(connection, run_id, "resumed", actor)


def by_id(connection: Connection, run_id: str) -> Run:
    """A run by its id."""
    return all_runs.build(connection, [connection.execute(_of(run_id)).one()])[0]


def going_on(connection: Connection) -> list[str]:
    """The ids of all runs without a job that have not ended, of all tenants."""
    query = select(runs.c.id).where(runs.c.job.is_(None), runs.c.state == "running")
    return list(connection.scalars(query))


def _of(run_id: str) -> Any:
    return select(runs).where(runs.c.id == run_id)


def _happened(
    connection: Connection, run_id: str, happening: str, actor: str, **data: Any
) -> Run:  # fmt: skip
    run = by_id(connection, run_id)
    all_runs.record_run(connection, run, happening, actor, **data)
    return run
