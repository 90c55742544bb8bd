"""How a reference finds its row: by id, else by name within the tenant, else with a hint."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, select

from aimass_jupyter.contract.errors import NotFound, did_you_mean

_NEAREST = 200


def find(
    connection: Connection,
    table: Table,
    thing: str,
    reference: str,
    tenant: str,
    *also: ColumnElement[bool],
) -> Row[Any]:
    """The row of the tenant whose id this is, else the newest of this name.

    A name may look like an id: the row of that id comes first, so that it cannot be hidden.

    Raises
    ------
    NotFound
        Naming the thing, with the nearest name that exists.
    """
    mine = and_(table.c.tenant == tenant, *also)
    by_id = select(table).where(mine, table.c.id == reference)
    by_name = select(table).where(mine, table.c.name == reference).order_by(table.c.id.desc())
    # one after the other: each has an index of its own, both in one question have none
    row = connection.execute(by_id).first() or connection.execute(by_name.limit(1)).first()
    if row is None:
        names = connection.execute(select(table.c.name).where(mine).limit(_NEAREST)).scalars()
        raise NotFound(
            f"there is no {thing} '{reference}'",
            did_you_mean(reference, names, f"see: {thing}s list"),
        )
    return row


def split(reference: str) -> tuple[str, str | None]:
    """``name@suffix`` as its two parts."""
    name, mark, suffix = reference.partition("@")
    return name, suffix if mark else None
