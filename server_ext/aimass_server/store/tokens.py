"""Tokens in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as delete_from

from aimass_jupyter.contract.base import Page, PageRequest
from aimass_jupyter.contract.system import Token
from aimass_server.store import paging
from aimass_server.store.tables import tokens


def insert(connection: Connection, token: Token, tenant: str, digest: str) -> None:
    """Keep a token by its hash."""
    row = token.model_dump(exclude={"value", "user"})
    connection.execute(tokens.insert().values(**row, owner=token.user, tenant=tenant, hash=digest))


def page(connection: Connection, owner: str, tenant: str, request: PageRequest) -> Page[Token]:
    """A page of somebody's tokens."""
    query = select(tokens).where(tokens.c.owner == owner, tokens.c.tenant == tenant)
    return paging.page(connection, query, tokens.c.id, request, _token)


def by_hash(connection: Connection, digest: str) -> tuple[Token, str] | None:
    """The token with this hash, and its tenant."""
    row = connection.execute(select(tokens).where(tokens.c.hash == digest)).first()
    return (_token(row), row.tenant) if row else None


def delete(connection: Connection, owner: str, tenant: str, token_id: str) -> bool:
    """Forget a token; whether there was one."""
    mine = (tokens.c.id == token_id, tokens.c.owner == owner, tokens.c.tenant == tenant)
    return bool(connection.execute(delete_from(tokens).where(*mine)).rowcount)


def forget_expired(connection: Connection, moment: datetime) -> None:
    """Forget the tokens that ended before a moment."""
    connection.execute(delete_from(tokens).where(tokens.c.expires_at < moment))


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        user=row.owner,
        role=row.role,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
