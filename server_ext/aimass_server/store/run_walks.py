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
    if request.tag is not None:
        query = query.where(table.c.tag == request.tag)
    if after is None:
        return query
    key, before = tuple_(value, run), tuple_(*after)
    return query.where(key > before if request.ascending else key < before)


def _aged(asked: Asked, states: tuple[str, ...], after: Key | None) -> Select[Any]:
    tag = asked.request.tag
    run = runs.c.id if tag is None else run_tags.c.run
    query = select(null().label("last"), run.label("run"))
    if tag is None:
        query = query.where(*_chosen(runs, asked, states, run))
    else:
        query = query.where(run_tags.c.tag == tag, *_whose(run_tags, asked, run))
        if told := _told(runs, asked, states):  # asked of each: so the tag's index leads
            query = query.where(exists().where(runs.c.id == run, *told))
    return query if after is None else query.where(run < after[1])


def _chosen(
    table: Table, asked: Asked, states: tuple[str, ...], run: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    """What lists are filtered by, of a table that tells it."""
    return [*_whose(table, asked, run), *_told(table, asked, states)]


def _whose(table: Table, asked: Asked, run: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """The tenant's runs; where they are few, by their ids alone, so by no other index."""
    return [table.c.tenant == asked.tenant] if asked.few is None else [run.in_(asked.few)]


def _told(table: Table, asked: Asked, states: tuple[str, ...]) -> list[ColumnElement[bool]]:
    """The experiment and the states that are asked for."""
    told = []
    if asked.request.experiment is not None:
        told.append(table.c.experiment == asked.request.experiment)
    if states:
        told.append(table.c.state == states[0] if len(states) == 1 else table.c.state.in_(states))
    return told
