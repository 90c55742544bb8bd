"""Events in the database: written in the transaction of what they tell, read in order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.ids import utc_now
from aimass_server.store.tables import events


def record(
    connection: Connection,
    topic: str,
    *,
    subject: str,
    name: str,
    owner: str,
    tenant: str,
    **data: Any,
) -> None:
    """Note what happened; call it in the transaction that makes it happen."""
    connection.execute(
        events.insert().values(
            topic=topic,
            subject=subject,
            name=name,
            time=utc_now(),
            owner=owner,
            tenant=tenant,
            data=data,
        )
    )


def after(connection: Connection, sequence: int, limit: int, tenant: str) -> list[Event]:
    """A tenant's events after a sequence number, oldest first."""
    query = select(events).where(events.c.sequence > sequence, events.c.tenant == tenant)
    rows = connection.execute(query.order_by(events.c.sequence).limit(limit))
    return [_event(row) for row in rows]


def forget_older(connection: Connection, moment: datetime) -> None:
    """Forget what happened before a moment."""
    connection.execute(events.delete().where(events.c.time < moment))


def newest(connection: Connection) -> int:
    """The last sequence number; 0 when nothing happened yet."""
    return connection.execute(select(func.max(events.c.sequence))).scalar() or 0


def _event(row: Row[Any]) -> Event:
    return Event(
        sequence=row.sequence,
        topic=row.topic,
        subject=row.subject,
        name=row.name,
        time=row.time,
        actor=row.owner,
        data=row.data,
    )
