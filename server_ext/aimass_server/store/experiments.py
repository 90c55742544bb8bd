"""Experiments in the database: named groups of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.ids import new_id
from aimass_jupyter.contract.runs import Experiment, ExperimentList
from aimass_server.store import names, paging
from aimass_server.store.events import record
from aimass_server.store.tables import experiments, runs


def ensure(
    connection: Connection, name: str, owner: str, tenant: str, created_at: datetime
) -> None:
    """Make an experiment unless there is one of this name."""
    mine = (experiments.c.name == name, experiments.c.tenant == tenant)
    if connection.execute(select(experiments.c.id).where(*mine)).first() is None:
        connection.execute(
            experiments.insert().values(
                id=new_id("exp"), name=name, owner=owner, tenant=tenant, created_at=created_at
            )
        )


def get(connection: Connection, reference: str, tenant: str) -> Experiment:
    """An experiment by id or name."""
    row = names.find(connection, experiments, "experiment", reference, tenant)
    return _experiment(connection, row)


def page(connection: Connection, request: ExperimentList, tenant: str) -> Page[Experiment]:
    """A page of experiments by name."""
    query = select(experiments).where(experiments.c.tenant == tenant)
    if request.search:
        query = query.where(experiments.c.name.icontains(request.search, autoescape=True))
    key = experiments.c.name
    return paging.page(connection, query, key, request, lambda row: _experiment(connection, row))


def delete(connection: Connection, experiment: Experiment, actor: str) -> None:
    """Forget an experiment; its runs must be gone, or it is made again by the next one."""
    connection.execute(delete_from(experiments).where(experiments.c.id == experiment.id))
    record(
        connection,
        "experiments.deleted",
        subject=experiment.id,
        name=experiment.name,
        owner=actor,
        tenant=experiment.tenant,
    )


def _experiment(connection: Connection, row: Row[Any]) -> Experiment:
    mine = (runs.c.tenant == row.tenant, runs.c.experiment == row.name)
    query = select(func.count(), func.max(runs.c.created_at)).where(*mine)
    count, newest = connection.execute(query).one()
    columns = {name: row._mapping[name] for name in Experiment.model_fields if name in row._mapping}
    return Experiment(**columns, runs=count, newest_at=newest)
