"""Runs in the database: made and moved with their jobs, tagged, noted, summarised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, bindparam, func, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.ids import new_id
from aimass_jupyter.contract.jobs import FINAL_STATES, Job
from aimass_jupyter.contract.runs import MAX_TAGS, MetricSummary, Run, lower_is_better
from aimass_server.store import experiments, names, ranks
from aimass_server.store.events import record
from aimass_server.store.tables import run_metrics, run_tags, runs

_IDS_A_QUERY = 500
_FOLLOWED = ("state", "started_at", "ended_at")
# Made once: to put such a question together takes longer than to answer it.
_OF_THESE: BindParameter[list[str]] = bindparam("ids", expanding=True)
_TAGS_OF = (
    select(run_tags.c.run, run_tags.c.tag)
    .where(run_tags.c.run.in_(_OF_THESE))
    .order_by(run_tags.c.run, run_tags.c.tag)
)
_VALUES = tuple(run_metrics.c[name] for name in ("run", "metric", "last", "lowest", "highest"))
_METRICS_OF = (
    select(*_VALUES)
    .where(run_metrics.c.run.in_(_OF_THESE))
    .order_by(run_metrics.c.run, run_metrics.c.metric)
)


def create(connection: Connection, job: Job) -> None:
    """Make the run of a job, in the transaction that makes the job; a trial step has none."""
    if job.options.dry_run:
        return
    experiment = job.options.experiment or job.name
    experiments.ensure(connection, experiment, job.owner, job.tenant, job.created_at)
    run_id = new_id("run")
    insert(
        connection,
        id=run_id,
        owner=job.owner,
        tenant=job.tenant,
        created_at=job.created_at,
        name=job.name,
        experiment=experiment,
        job=job.id,
        state=job.state,
        params=_params(job),
        notes=job.options.notes,
    )
    add_tags(connection, run_id, job.options.tags)


def insert(connection: Connection, **values: Any) -> None:
    """Insert the row of a run; it gets the next number."""
    newest = connection.scalar(select(func.max(runs.c.number))) or 0
    connection.execute(runs.insert().values(number=newest + 1, **values))


def follow(connection: Connection, job: Job) -> None:
    """Move the run of a job with it, in the same transaction."""
    cause = job.cause.model_dump() if job.cause else None
    values = {name: getattr(job, name) for name in _FOLLOWED} | {"cause": cause}
    move(connection, runs.c.job == job.id, **values)


def move(connection: Connection, which: ColumnElement[bool], **values: Any) -> bool:
    """Change a run, and its state wherever that is repeated; whether there is such a run."""
    run_id = connection.scalar(select(runs.c.id).where(which))
    if run_id is None:
        return False
    connection.execute(runs.update().where(runs.c.id == run_id).values(**values))
    ranks.moved(connection, run_id, values["state"])
    return True


def summarise(connection: Connection, job: Job, summaries: Mapping[str, MetricSummary]) -> None:
    """Take in the metrics of a job's run as it ends: of its curves, and on the held-out rows."""
    row = connection.execute(select(runs).where(runs.c.job == job.id)).first()
    if row is None:  # deleted meanwhile
        return
    held_out = {
        name: MetricSummary(last=value, lowest=value, highest=value, points=1)
        for name, value in job.metrics.items()
    }
    keep_metrics(connection, row.id, {**summaries, **held_out})


def keep_metrics(
    connection: Connection, run_id: str, summaries: Mapping[str, MetricSummary]
) -> None:
    """Keep what is known of a run's curves, in place of what was known."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one()
    ranks.keep(connection, row, summaries)


def get(connection: Connection, reference: str, tenant: str) -> Run:
    """A run by id, by the id of its job, or the newest of a name."""
    by_job = select(runs).where(runs.c.job == reference, runs.c.tenant == tenant)
    row = connection.execute(by_job).first()
    if row is None:
        row = names.find(connection, runs, "run", reference, tenant)
    return build(connection, [row])[0]


def of_tenant(connection: Connection, ids: Iterable[str], tenant: str) -> set[str]:
    """Of some jobs and runs, by id, those that are a tenant's."""
    wanted, found = list(ids), set[str]()
    for start in range(0, len(wanted), _IDS_A_QUERY):
        some = wanted[start : start + _IDS_A_QUERY]
        for column in (runs.c.id, runs.c.job):
            query = select(column).where(column.in_(some), runs.c.tenant == tenant)
            found.update(connection.scalars(query))
    return found


def ended(
    connection: Connection, tenant: str | None, owner: str | None, experiment: str | None
) -> list[Run]:
    """The runs that have ended, newest first: of a tenant, an owner, an experiment, or of all."""
    query = select(runs).where(runs.c.state.in_(FINAL_STATES)).order_by(runs.c.id.desc())
    wanted = ((runs.c.tenant, tenant), (runs.c.owner, owner), (runs.c.experiment, experiment))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    return build(connection, connection.execute(query).all())


def tag(connection: Connection, run: Run, add: list[str], remove: list[str], actor: str) -> None:
    """Add tags, then take some away.

    Raises
    ------
    InvalidRequest
        When the run would have too many.
    """
    add_tags(connection, run.id, add)
    mine = run_tags.c.run == run.id
    connection.execute(delete_from(run_tags).where(mine, run_tags.c.tag.in_(remove)))
    ranks.beside_tags(connection, run.id)
    tags = _tags(connection, [run.id]).get(run.id, [])
    if len(tags) > MAX_TAGS:
        raise InvalidRequest(
            f"run '{run.name}' would have {len(tags)} tags, the most is {MAX_TAGS}",
            f"take some away: tag {run.id} --remove {tags[0]}",
        )
    record_run(connection, run, "tagged", actor, tags=tags)


def note(connection: Connection, run: Run, notes: str, actor: str) -> None:
    """Write the notes of a run."""
    connection.execute(runs.update().where(runs.c.id == run.id).values(notes=notes))
    record_run(connection, run, "noted", actor)


def delete(connection: Connection, run: Run, actor: str) -> None:
    """Forget a run; its job stays on record."""
    ranks.forget(connection, run.id)
    connection.execute(delete_from(runs).where(runs.c.id == run.id))
    record_run(connection, run, "deleted", actor)


def build(connection: Connection, rows: Iterable[Row[Any]]) -> list[Run]:
    """Runs of rows, with the tags and metrics of all of them in two queries."""
    rows = list(rows)
    ids = [row.id for row in rows]
    tags, metrics = _tags(connection, ids), _metrics(connection, ids)
    return [
        _run(zip(row._fields, row, strict=True), tags.get(id_, []), metrics.get(id_, []))
        for id_, row in zip(ids, rows, strict=True)
    ]


def _run(
    fields: Iterable[tuple[str, Any]], tags: list[str], metrics: list[tuple[str, Any, Any]]
) -> Run:
    """A run of its columns, and of name, newest and best value of each metric."""
    columns = dict(fields)  # what is no field of a run is let go
    return Run.model_validate(
        columns
        | {
            "job": columns["job"] or "",
            "tags": tags,
            "metrics": {name: last for name, last, _ in metrics},
            "best": {name: best for name, _, best in metrics},
        }
    )


def _tags(connection: Connection, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for run, tag in connection.execute(_TAGS_OF, {"ids": ids}).all():
        found.setdefault(run, []).append(tag)
    return found


def _metrics(connection: Connection, ids: list[str]) -> dict[str, list[tuple[str, Any, Any]]]:
    found: dict[str, list[tuple[str, Any, Any]]] = {}
    for run, metric, last, lowest, highest in connection.execute(_METRICS_OF, {"ids": ids}).all():
        best = lowest if lower_is_better(metric) else highest
        found.setdefault(run, []).append((metric, last, best))
    return found


def add_tags(connection: Connection, run_id: str, tags: Iterable[str]) -> None:
    """Add the tags that a run does not have."""
    known = _tags(connection, [run_id]).get(run_id, [])
    new = [tag for tag in dict.fromkeys(tags) if tag not in known]
    if not new:
        return
    repeated = select(*(runs.c[name] for name in ranks.REPEATED)).where(runs.c.id == run_id)
    of_run = connection.execute(repeated).one()._mapping
    connection.execute(run_tags.insert(), [{"run": run_id, "tag": tag, **of_run} for tag in new])


def _params(job: Job) -> dict[str, Any]:
    """What the run was made with: hyperparameters, and what else decides its outcome."""
    also = {"algorithm": job.algorithm, "np": job.np, "seed": job.seed, "engine": job.engine}
    return {**job.params, **({"dataset": job.dataset} if job.dataset else {}), **also}


def record_run(connection: Connection, run: Run, happening: str, actor: str, **data: Any) -> None:
    """Note what happened to a run."""
    record(
        connection,
        f"runs.{happening}",
        subject=run.id,
        name=run.name,
        owner=actor,
        tenant=run.tenant,
        **data,
    )
