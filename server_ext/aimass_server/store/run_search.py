"""Text in the names and notes of runs.

Where the database keeps an index of every three letters, the few runs that hold a text are found
there. Any other text is looked for in one run after the other, by whoever makes the list.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, column, or_, select, text

from aimass_server.store.tables import runs

#: So many runs can be sorted for each page; where more hold a text, every look finds some.
FEW = 20_000

_INDEXED = text("SELECT 1 FROM sqlite_master WHERE name = 'runs_text'")
_NUMBER = text(
    "SELECT count(*) FROM (SELECT 1 FROM runs_text WHERE runs_text MATCH :phrase LIMIT :most)"
)
_FOUND = text("SELECT rowid FROM runs_text WHERE runs_text MATCH :phrase")
_SHORTEST = 3


def holds(search: str) -> ColumnElement[bool]:
    """Whether a run's name or notes hold a text."""
    columns = (runs.c.name, runs.c.notes)
    return or_(*(column.icontains(search, autoescape=True) for column in columns))


def few_with(connection: Connection, search: str, tenant: str) -> Select[tuple[str]] | None:
    """The ids of a tenant's runs that hold a text; None where they are many, or not indexed."""
    if len(search) < _SHORTEST or not _is_indexed(connection):
        return None
    phrase = '"' + search.replace('"', '""') + '"'
    if (connection.scalar(_NUMBER, {"phrase": phrase, "most": FEW + 1}) or 0) > FEW:
        return None
    found = _FOUND.bindparams(phrase=phrase).columns(column("rowid"))
    # put together, so that the tenant's own index is not taken instead
    mine = runs.c.tenant.concat("") == tenant
    return select(runs.c.id).where(runs.c.number.in_(found), mine, holds(search))


def _is_indexed(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite" and connection.scalar(_INDEXED) is not None
