"""The keys of runs in the order of a list, each walk along an index.

Owns which index serves which filter. It reads no run: what is in no index is for others to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, exists, null, select, tuple_
from sqlalchemy import union_all as one_after_the_other

from aimass_jupyter.contract.runs import RunList
from aimass_server.store.jobs import ACTIVE
from aimass_server.store.tables import run_metrics, run_tags, runs, tagged_metrics

#: A place in a list: a value of the metric or None, and the id of a run.
Key = tuple[float | None, str]


@dataclass(frozen=True)
class Asked:
    """Which runs, of whom; ``few`` finds the only ones that may be in the list."""

    request: RunList
    tenant: str
    few: Select[tuple[str]] | None = None


@dataclass(frozen=True)
class Walk:
    """A question for keys, and the columns by which they are in order."""

    keys: Select[Any]
    by: tuple[str, ...]
    ascending: bool = False

    def ordered(self, keys: Select[Any]) -> Select[Any]:
        """Keys in the order of this walk."""
        columns = (keys.selected_columns[name] for name in self.by)
        return keys.order_by(*(c if self.ascending else c.desc() for c in columns))


def by_value(asked: Asked, after: Key | None) -> Walk:
    """Those that have a finite value of the metric, in its order."""
    keys = _of_states(asked, lambda states: _values(asked, states, after))
    return Walk(keys, ("last", "run"), asked.request.ascending)


def by_age(asked: Asked, after: Key | None) -> Walk:
    """All, the newest first; they have no value."""
    return Walk(_of_states(asked, lambda states: _aged(asked, states, after)), ("run",))


def has_value(metric: str, run: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a run has a finite value of a metric."""
    mine = (run_metrics.c.run == run, run_metrics.c.metric == metric)
    return exists().where(*mine, run_metrics.c.last.is_not(None))


def _of_states(asked: Asked, keys_of: Callable[[tuple[str, ...]], Select[Any]]) -> Select[Any]:
    """The keys of the states that are asked for.

    Where states alone are asked for, each has its part of an index, and the parts are merged.
    """
    request = asked.request
    states = ACTIVE if request.state == "active" else (request.state,) if request.state else ()
    if len(states) < 2 or request.experiment or request.tag or asked.few is not None:
        return keys_of(states)
    parts = one_after_the_other(*(keys_of((state,)) for state in states)).subquery()
    return select(parts.c.last, parts.c.run)


def _values(asked: Asked, states: tuple[str, ...], after: Key | None) -> Select[Any]:
    request = asked.request
    table = run_metrics if request.tag is None else tagged_metrics
    value, run = table.c.last, table.c.run
    query = select(value, run).where(
        table.c.metric == request.order_by, value.is_not(None), *_chosen(table, asked, states, run)
    )
    if after is None:
        return query
    key, before = tuple_(value, run), tuple_(*after)
    return query.where(key > before if request.ascending else key < before)


def _aged(asked: Asked, states: tuple[str, ...], after: Key | None) -> Select[Any]:
    tagged = asked.request.tag is not None
    table, run = (run_tags, run_tags.c.run) if tagged else (runs, runs.c.id)
    query = select(null().label("last"), run.label("run"))
    query = query.where(*_chosen(table, asked, states, run))
    return query if after is None else query.where(run < after[1])


def _chosen(
    table: Table, asked: Asked, states: tuple[str, ...], run: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    """What lists are filtered by, of a table that tells it.

    Of the tenant's runs; where they are few, by their ids alone, so by no other index.
    """
    request = asked.request
    chosen = [table.c.tenant == asked.tenant if asked.few is None else run.in_(asked.few)]
    if request.experiment is not None:
        chosen.append(table.c.experiment == request.experiment)
    if states:
        chosen.append(table.c.state == states[0] if len(states) == 1 else table.c.state.in_(states))
    if request.tag is not None:
        chosen.append(table.c.tag == request.tag)
    return chosen
