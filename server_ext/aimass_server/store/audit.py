"""The audit log in the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_server.store.tables import audit


def record(
    connection: Connection, operation: str, subject: str, owner: str, tenant: str, outcome: str
) -> None:
    """Note who changed what, and whether it went well."""
    connection.execute(
        audit.insert().values(
            id=new_id("aud"),
            owner=owner,
            tenant=tenant,
            created_at=utc_now(),
            operation=operation,
            subject=subject[:200],
            outcome=outcome,
        )
    )


def forget_older(connection: Connection, moment: datetime) -> None:
    """Forget what was noted before a moment."""
    connection.execute(audit.delete().where(audit.c.created_at < moment))
