"""The values of metrics in the orders that lists ask for, beside what lists are filtered by.

Owns what the tables of metrics and of tags repeat of their run: its experiment, its state, its
tags. Whoever changes one of them in a run says so here, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.runs import MetricSummary
from aimass_server.store.tables import run_metrics, run_tags, tagged_metrics

REPEATED = ("owner", "tenant", "experiment", "state")


def keep(connection: Connection, run: Row[Any], summaries: Mapping[str, MetricSummary]) -> None:
    """Keep what is known of a run's curves, in place of what was known."""
    connection.execute(delete_from(run_metrics).where(run_metrics.c.run == run.id))
    values = [
        {"run": run.id, "metric": name}
        | {column: run._mapping[column] for column in REPEATED}
        | summary.model_dump()
        for name, summary in summaries.items()
    ]
    if values:
        connection.execute(run_metrics.insert(), values)
    beside_tags(connection, run.id)


def beside_tags(connection: Connection, run_id: str) -> None:
    """Put the values of a run beside its tags, as both are now."""
    connection.execute(delete_from(tagged_metrics).where(tagged_metrics.c.run == run_id))
    both = run_metrics.join(run_tags, run_tags.c.run == run_metrics.c.run)
    names = [column.name for column in tagged_metrics.columns if column.name != "tag"]
    found = (
        select(run_tags.c.tag, *(run_metrics.c[name] for name in names))
        .select_from(both)
        .where(run_metrics.c.run == run_id, run_metrics.c.last.is_not(None))
    )
    connection.execute(insert(tagged_metrics).from_select(["tag", *names], found))


def moved(connection: Connection, run_id: str, state: str) -> None:
    """A run is in another state now."""
    for table in (run_tags, run_metrics, tagged_metrics):
        connection.execute(table.update().where(table.c.run == run_id).values(state=state))


def forget(connection: Connection, run_id: str) -> None:
    """A run is deleted."""
    for table in (run_tags, run_metrics, tagged_metrics):
        connection.execute(delete_from(table).where(table.c.run == run_id))
