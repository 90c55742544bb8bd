"""What is noted of a job while it runs: how often it was restarted, what a person should know."""

from __future__ import annotations

from sqlalchemy import Connection

from aimass_jupyter.contract.jobs import Job
from aimass_server.store.events import record
from aimass_server.store.jobs import ACTIVE
from aimass_server.store.tables import jobs


def note(connection: Connection, job: Job, restarts: int, warnings: list[str]) -> None:
    """Write it down, with its event; one that has ended meanwhile is left as it is."""
    changed = connection.execute(
        jobs.update()
        .where(jobs.c.id == job.id, jobs.c.state.in_(ACTIVE))
        .values(restarts=restarts, warnings=warnings)
    )
    if changed.rowcount:
        record(
            connection,
            "jobs.noted",
            subject=job.id,
            name=job.name,
            owner=job.owner,
            tenant=job.tenant,
            state=job.state,
            restarts=restarts,
            warnings=warnings,
        )
