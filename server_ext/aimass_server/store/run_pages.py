"""Pages of runs: filtered, newest first or by a metric, each page found by a key.

By a metric, runs with a finite value come first, in the order of an index, then all others by age;
so a page costs the same at any depth, and NaN is never the best. A filter that few runs pass is
asked first and these are sorted; one that many pass is asked of each run in the metric's order.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.runs import Run, RunList
from aimass_server.store.jobs import ACTIVE
from aimass_server.store.runs import build
from aimass_server.store.tables import run_metrics, run_tags, runs

#: Where a page ended: a value of the metric or None, and the id of a run.
Key = tuple[float | None, str]

_RUNS_OF = select(runs).where(runs.c.id.in_(bindparam("ids", expanding=True)))
_FEW = 5000  # so many runs are sorted, or looked through, in a few milliseconds


def page(connection: Connection, request: RunList, tenant: str) -> Page[Run]:
    """One page of runs.

    By a metric, a page among the runs without a value may be a short one, or empty: its token
    leads on where there are more.

    Raises
    ------
    InvalidRequest
        When it is to be ordered by a metric that no run has.
    """
    after = _decode(request.next_token) if request.next_token else None
    if request.order_by:
        _check_metric(connection, request.order_by, tenant)
        keys, token = _by_metric(connection, request, tenant, after)
    else:
        keys, token = _by_age(connection, request, tenant, after)
    return Page[Run](items=_built(connection, keys), next_token=token)


def _built(connection: Connection, keys: list[Key]) -> list[Run]:
    """The runs of these keys, in their order."""
    ids = [id_ for _, id_ in keys]
    rows = {row.id: row for row in connection.execute(_RUNS_OF, {"ids": ids}).all()}
    return build(connection, [rows[id_] for id_ in ids])


def _check_metric(connection: Connection, metric: str, tenant: str) -> None:
    mine = run_metrics.c.tenant == tenant
    known = select(run_metrics.c.metric).where(mine)
    if connection.execute(known.where(run_metrics.c.metric == metric).limit(1)).first():
        return
    names = list(connection.execute(known.distinct()).scalars())
    if names:
        raise InvalidRequest(f"no run has a metric '{metric}'", did_you_mean(metric, names))


def _by_age(
    connection: Connection, request: RunList, tenant: str, after: Key | None
) -> tuple[list[Key], str | None]:
    """The newest first."""
    query = _listed(request, tenant)
    id_ = _id_of(request)
    if after is not None:
        query = query.where(id_ < after[1])
    ids = connection.scalars(query.order_by(id_.desc()).limit(request.limit + 1))
    keys: list[Key] = [(None, found) for found in ids]
    return _cut(keys, request.limit)


def _by_metric(
    connection: Connection, request: RunList, tenant: str, after: Key | None
) -> tuple[list[Key], str | None]:
    """Those with a finite value in its order, then the others."""
    keys: list[Key] = []
    if after is None or after[0] is not None:
        keys, after = _ranked(connection, request, tenant, after), None
    if len(keys) > request.limit:
        return _cut(keys, request.limit)
    others, stopped = _without_value(connection, request, tenant, after)
    keys += others
    return _cut(keys, request.limit) if len(keys) > request.limit else (keys, stopped)


def _cut(keys: list[Key], limit: int) -> tuple[list[Key], str | None]:
    """The keys of one page, and the token of the next, if there is more."""
    return keys[:limit], token_of(keys[limit - 1]) if len(keys) > limit else None


def _ranked(
    connection: Connection, request: RunList, tenant: str, after: Key | None
) -> list[Key]:  # fmt: skip
    """The runs that have a finite value of the metric, in its order; one more than a page."""
    value, run = run_metrics.c.last, run_metrics.c.run
    query = select(value, run).where(run_metrics.c.metric == request.order_by, value.is_not(None))
    if not _is_filtered(request):
        query = query.where(run_metrics.c.tenant == tenant)
    elif _few_pass(connection, request, tenant):
        query = query.where(run.in_(_listed(request, tenant)))
    else:
        passes = exists().where(runs.c.id == run, *_asked_of_each(request, tenant))
        query = query.where(run_metrics.c.tenant == tenant, passes)
    if after is not None:
        key, before = tuple_(value, run), tuple_(*after)
        query = query.where(key > before if request.ascending else key < before)
    order = (value, run) if request.ascending else (value.desc(), run.desc())
    found = connection.execute(query.order_by(*order).limit(request.limit + 1))
    return [(row.last, row.run) for row in found]


def _without_value(
    connection: Connection, request: RunList, tenant: str, after: Key | None
) -> tuple[list[Key], str | None]:
    """Those without a finite value, the newest first; looks through so many runs and no more."""
    valued = exists().where(
        run_metrics.c.run == runs.c.id,
        run_metrics.c.metric == request.order_by,
        run_metrics.c.last.is_not(None),
    )
    query = _listed(request, tenant).add_columns(valued.label("valued"))
    id_ = _id_of(request)
    if after is not None:
        query = query.where(id_ < after[1])
    rows = connection.execute(query.order_by(id_.desc()).limit(_FEW)).all()
    keys: list[Key] = [(None, row.id) for row in rows if not row.valued]
    return keys[: request.limit + 1], token_of((None, rows[-1].id)) if len(rows) == _FEW else None


def _is_filtered(request: RunList) -> bool:
    return any((request.experiment, request.tag, request.state, request.search))


def _few_pass(connection: Connection, request: RunList, tenant: str) -> bool:
    """Whether so few runs pass the filter that they can be sorted."""
    some = _listed(request, tenant).limit(_FEW + 1).subquery()
    return (connection.scalar(select(func.count()).select_from(some)) or 0) <= _FEW


def _listed(request: RunList, tenant: str) -> Select[Any]:
    """The ids of the runs that are asked for, found by what few of them have."""
    query = select(_id_of(request).label("id")).where(*_chosen(request, tenant))
    if request.tag is None:
        return query
    both = runs.join(run_tags, run_tags.c.run == runs.c.id)
    tagged = (run_tags.c.tenant == tenant, run_tags.c.tag == request.tag)
    return query.select_from(both).where(*tagged)


def _id_of(request: RunList) -> ColumnElement[Any]:
    """The column by which runs are found in order: that of the tag's index, where one is asked."""
    return runs.c.id if request.tag is None else run_tags.c.run


def _asked_of_each(request: RunList, tenant: str) -> list[ColumnElement[bool]]:
    """The same of a run that is known."""
    asked = _chosen(request, tenant)
    if request.tag is not None:
        mine = run_tags.c.run == run_metrics.c.run
        asked.append(exists().where(mine, run_tags.c.tag == request.tag).correlate(run_metrics))
    return asked


def _chosen(request: RunList, tenant: str) -> list[ColumnElement[bool]]:
    """What a run itself must be to be listed; its tags are not its own."""
    chosen = [runs.c.tenant == tenant]
    if request.experiment is not None:
        chosen.append(runs.c.experiment == request.experiment)
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


def token_of(key: Key) -> str:
    """The token of the page after this key."""
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
