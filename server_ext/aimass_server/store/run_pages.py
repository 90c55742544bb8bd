"""Pages of runs: filtered, newest first or by a metric, each page found by a key.

By a metric, runs with a finite value come first, in its order, then all others by age; NaN is never
the best. What no index tells is asked of so many runs and no more; so a page costs the same at any
depth, and however few runs pass.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.runs import Run, RunList
from aimass_server.store import run_search
from aimass_server.store.run_walks import Asked, Key, Walk, by_age, by_value, has_value
from aimass_server.store.runs import build
from aimass_server.store.tables import run_metrics, runs

#: Asks something of the run that a column names.
Question = Callable[[ColumnElement[str]], ColumnElement[bool]]

_LOOKED = 1000  # so many runs are asked in a few milliseconds
_RUNS_OF = select(runs).where(runs.c.id.in_(bindparam("ids", expanding=True)))


def page(connection: Connection, request: RunList, tenant: str) -> Page[Run]:
    """One page of runs.

    A page may be a short one, or empty, where runs had to be asked: its token leads on where there
    are more. That is so among the runs without a value of the metric, and for a text that many runs
    hold or that is shorter than three letters.

    Raises
    ------
    InvalidRequest
        When it is to be ordered by a metric that no run has.
    """
    after = _decode(request.next_token) if request.next_token else None
    search = request.search
    few = run_search.few_with(connection, search, tenant) if search else None
    asked = Asked(request, tenant, few)
    questions = [_holds(search)] if search and few is None else []
    if request.order_by:
        _check_metric(connection, request.order_by, tenant)
        keys, stopped = _by_metric(connection, asked, questions, after)
    else:
        keys, stopped = _look(connection, by_age(asked, after), questions, request.limit + 1)
    if len(keys) > request.limit:
        keys = keys[: request.limit]
        stopped = keys[-1]
    return Page[Run](items=_built(connection, keys), next_token=stopped and token_of(stopped))


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


def _by_metric(
    connection: Connection, asked: Asked, questions: list[Question], after: Key | None
) -> tuple[list[Key], Key | None]:
    """Those with a finite value in its order, then the others."""
    metric, wanted = asked.request.order_by or "", asked.request.limit + 1
    keys: list[Key] = []
    if after is None or after[0] is not None:
        keys, stopped = _look(connection, by_value(asked, after), questions, wanted)
        if stopped or len(keys) == wanted:
            return keys, stopped
        after = None
    without: list[Question] = [lambda run: ~has_value(metric, run), *questions]
    others, stopped = _look(connection, by_age(asked, after), without, wanted - len(keys))
    return keys + others, stopped


def _look(
    connection: Connection, walk: Walk, questions: list[Question], wanted: int
) -> tuple[list[Key], Key | None]:
    """So many keys of a walk whose run passes, and where it stopped before it had them."""
    along = walk.ordered(walk.keys)
    if not questions:
        return [(row.last, row.run) for row in connection.execute(along.limit(wanted))], None
    first = along.limit(_LOOKED).subquery()
    passing = select(first.c.last, first.c.run).where(*(ask(first.c.run) for ask in questions))
    found = connection.execute(walk.ordered(passing).limit(wanted))
    keys: list[Key] = [(row.last, row.run) for row in found]
    if len(keys) == wanted:
        return keys, None
    end = connection.execute(along.offset(_LOOKED - 1).limit(1)).first()
    return keys, None if end is None else (end.last, end.run)


def _holds(search: str) -> Question:
    """Whether a run's name or notes hold a text."""
    return lambda run: exists().where(runs.c.id == run, run_search.holds(search))


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
