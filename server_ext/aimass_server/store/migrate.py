"""Brings a database to the newest schema. Alembic is imported only when there is work for it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from aimass_jupyter.contract.errors import Unavailable
from aimass_server.store.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0001"
_COLUMNS = text(
    "SELECT made.name, had.name FROM sqlite_master AS made, pragma_table_info(made.name) AS had"
    " WHERE made.type = 'table'"
)


def migrate(connection: Connection) -> None:
    """Upgrade in one transaction.

    Raises
    ------
    Unavailable
        When the database was written by a newer version of this program, or by one that was never
        released and had other tables.
    """
    found = current(connection)
    if found == HEAD:
        _check_columns(connection)
        return
    if found is not None and found > HEAD:
        raise Unavailable(
            f"the database has schema {found}, this program knows {HEAD}",
            "upgrade aimass-jupyter",
        )
    from alembic import command
    from alembic.config import Config

    connection.execute(text("BEGIN IMMEDIATE"))  # a disk that fills up leaves no half of a schema
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def current(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return revision


def _check_columns(connection: Connection) -> None:
    there = {tuple(row) for row in connection.execute(_COLUMNS)}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if (table.name, column.name) not in there:
                raise Unavailable(
                    f"the database lacks '{column}': a version between releases made it",
                    "move it away to begin with an empty one",
                )
