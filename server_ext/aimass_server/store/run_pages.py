"""Pages of runs: filtered, newest first or by a metric, each page found by a key.

By a metric, runs with a finite value come first, in the order of an index, then all others by age;
so a page costs the same at any depth, and NaN is never the best.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.runs import Run, RunList
from aimass_server.store.jobs import ACTIVE
from aimass_server.store.runs import build
from aimass_server.store.tables import run_metrics, run_tags, runs

#: Where a page ended: a value of the metric or None, and the id of a run.
Key = tuple[float | None, str]


def page(connection: Connection, request: RunList, tenant: str) -> Page[Run]:
    """One page of runs.

    Raises
    ------
    InvalidRequest
        When it is to be ordered by a metric that no run has.
    """
    if request.order_by:
        _check_metric(connection, request.order_by, tenant)
    after = _decode(request.next_token) if request.next_token else None
    wanted = request.limit + 1
    rows: list[Row[Any]] = []
    if request.order_by and (after is None or after[0] is not None):
        rows = _ranked(connection, request, tenant, after, wanted)
        after = None
    if len(rows) < wanted:
        rows += _by_age(connection, request, tenant, after, wanted - len(rows))
    kept = rows[: request.limit]
    token = _encode(kept[-1]) if len(rows) > request.limit else None
    return Page[Run](items=build(connection, kept), next_token=token)


def _check_metric(connection: Connection, metric: str, tenant: str) -> None:
    mine = run_metrics.c.tenant == tenant
    known = select(run_metrics.c.metric).where(mine)
    if connection.execute(known.where(run_metrics.c.metric == metric).limit(1)).first():
        return
    names = list(connection.execute(known.distinct()).scalars())
    if names:
        raise InvalidRequest(f"no run has a metric '{metric}'", did_you_mean(metric, names))


def _ranked(
    connection: Connection, request: RunList, tenant: str, after: Key | None, limit: int
) -> list[Row[Any]]:
    """The runs that have a finite value of the metric, in its order."""
    value, run = run_metrics.c.last, run_metrics.c.run
    query = (
        select(runs, value.label("key"))
        .join(run_metrics, run == runs.c.id)
        .where(run_metrics.c.tenant == tenant, run_metrics.c.metric == request.order_by)
        .where(value.is_not(None), *_chosen(request, tenant))
    )
    if after is not None:
        query = query.where(_beyond(value, run, after, ascending=request.ascending))
    order = (value, run) if request.ascending else (value.desc(), run.desc())
    return list(connection.execute(query.order_by(*order).limit(limit)))


def _beyond(
    value: ColumnElement[Any], run: ColumnElement[Any], after: Key, *, ascending: bool
) -> ColumnElement[bool]:
    before, name = after
    if ascending:
        return or_(value > before, and_(value == before, run > name))
    return or_(value < before, and_(value == before, run < name))


def _by_age(
    connection: Connection, request: RunList, tenant: str, after: Key | None, limit: int
) -> list[Row[Any]]:
    """The newest first; ordered by a metric, those without a finite value of it."""
    query = select(runs).where(*_chosen(request, tenant))
    if request.order_by:
        query = query.where(runs.c.id.not_in(_with_value(request.order_by, tenant)))
    if after is not None:
        query = query.where(runs.c.id < after[1])
    return list(connection.execute(query.order_by(runs.c.id.desc()).limit(limit)))


def _with_value(metric: str, tenant: str) -> Select[Any]:
    return select(run_metrics.c.run).where(
        run_metrics.c.tenant == tenant,
        run_metrics.c.metric == metric,
        run_metrics.c.last.is_not(None),
    )


def _chosen(request: RunList, tenant: str) -> list[ColumnElement[bool]]:
    """What a run must be to be listed."""
    chosen = [runs.c.tenant == tenant]
    if request.experiment is not None:
        chosen.append(runs.c.experiment == request.experiment)
    if request.tag is not None:
        tagged = select(run_tags.c.run).where(
            run_tags.c.tenant == tenant, run_tags.c.tag == request.tag
        )
        chosen.append(runs.c.id.in_(tagged))
    if request.state == "active":
        chosen.append(runs.c.state.in_(ACTIVE))
    elif request.state is not None:
        chosen.append(runs.c.state == request.state)
    if request.search:
        within = (
            column.icontains(request.search, autoescape=True)
            for column in (runs.c.name, runs.c.notes)
        )
        chosen.append(or_(*within))
    return chosen


def _encode(row: Row[Any]) -> str:
    key = [row._mapping.get("key"), row.id]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _decode(token: str) -> Key:
    try:
        value, run = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        return (None if value is None else float(value)), str(run)
    except (ValueError, TypeError):  # of base64, of UTF-8, of JSON, or of its shape
        raise InvalidRequest(
            f"next_token '{token[:40]}' is not one of ours",
            "pass the next_token of the page before",
        ) from None
