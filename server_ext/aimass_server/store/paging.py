"""Keyset pages: a token says after which key the next page begins; depth costs nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select

from aimass_jupyter.contract.base import Page, PageRequest
from aimass_jupyter.contract.errors import InvalidRequest

T = TypeVar("T")


def page(
    connection: Connection,
    query: Select[Any],
    key: ColumnElement[Any],
    request: PageRequest,
    build: Callable[[Row[Any]], T],
    *,
    descending: bool = False,
) -> Page[T]:
    """One page of a query, ordered by a unique key."""
    if request.next_token:
        after = _decode(request.next_token)
        query = query.where(key < after if descending else key > after)
    ordered = query.order_by(key.desc() if descending else key).limit(request.limit + 1)
    rows = connection.execute(ordered.add_columns(key.label("page_key"))).all()
    more = len(rows) > request.limit
    kept = rows[: request.limit]
    token = _encode(str(kept[-1].page_key)) if more else None
    return Page[Any](items=[build(row) for row in kept], next_token=token)


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:  # of base64, or of UTF-8
        raise InvalidRequest(
            f"next_token '{token[:40]}' is not one of ours",
            "pass the next_token of the page before",
        ) from None
