"""Idempotency keys: the same key with the same request gives the same answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.ids import utc_now
from aimass_server.store.tables import idempotency_keys


def recall(
    connection: Connection, key: str, owner: str, tenant: str, operation: str, request_digest: str
) -> dict[str, Any] | None:
    """The answer that was given for this key; None when the key is new.

    Raises
    ------
    Conflict
        When the key was used for another request.
    """
    mine = (
        idempotency_keys.c.key == key,
        idempotency_keys.c.owner == owner,
        idempotency_keys.c.tenant == tenant,
    )
    row = connection.execute(select(idempotency_keys).where(*mine)).first()
    if row is None:
        return None
    if (row.operation, row.request_digest) != (operation, request_digest):
        raise Conflict(f"idempotency key '{key}' was used for another request", "draw a new key")
    answer: dict[str, Any] = row.response
    return answer


def forget_older(connection: Connection, moment: datetime) -> None:
    """Forget the answers that were given before a moment."""
    old = idempotency_keys.c.created_at < moment
    connection.execute(idempotency_keys.delete().where(old))


def remember(
    connection: Connection,
    key: str,
    owner: str,
    tenant: str,
    operation: str,
    request_digest: str,
    response: dict[str, Any],
) -> None:
    """Keep the first answer; call it in the transaction that did the work, where there is one."""
    if recall(connection, key, owner, tenant, operation, request_digest) is not None:
        return
    connection.execute(
        idempotency_keys.insert().values(
            key=key,
            owner=owner,
            tenant=tenant,
            operation=operation,
            request_digest=request_digest,
            response=response,
            created_at=utc_now(),
        )
    )
