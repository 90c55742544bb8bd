"""What all things with a name in a tenant have in common: being found, owned, counted, numbered.

A reference is an id, or else a name, or else an error with a hint.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, select

from aimass_jupyter.contract.errors import Forbidden, NotFound, did_you_mean

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


def named(connection: Connection, table: Table, name: str, tenant: str) -> Row[Any] | None:
    """The row of a name, where there is no more than one; None when there is none."""
    mine = (table.c.name == name, table.c.tenant == tenant)
    return connection.execute(select(table).where(*mine)).first()


def count(connection: Connection, table: Table, tenant: str, *also: ColumnElement[bool]) -> int:
    """How many a tenant has."""
    query = select(func.count()).select_from(table).where(table.c.tenant == tenant, *also)
    return connection.execute(query).scalar_one()


def require_owner(
    connection: Connection, table: Table, thing: str, name: str, owner: str, tenant: str
) -> None:
    """Refuse a new version of what somebody else owns.

    Raises
    ------
    Forbidden
        Naming the owner.
    """
    found = named(connection, table, name, tenant)
    if found is not None and found.owner != owner:
        raise Forbidden(f"{thing} '{name}' belongs to '{found.owner}'", "take another name: --name")


def next_version(connection: Connection, table: Table, row_id: str) -> int:
    """A number that no version of it ever had, also none that was deleted."""
    mine = table.c.id == row_id
    connection.execute(table.update().where(mine).values(last_version=table.c.last_version + 1))
    number: int = connection.execute(select(table.c.last_version).where(mine)).scalar_one()
    return number


def split(reference: str) -> tuple[str, str | None]:
    """``name@suffix`` as its two parts."""
    name, mark, suffix = reference.partition("@")
    return name, suffix if mark else None
