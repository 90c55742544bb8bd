"""Seeding: many rows like one that the product wrote, straight into its database.

Only while no control plane owns the data folder. A benchmark of a long history would else have to
live through it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path


def clone(
    database: Path, table: str, where: str, count: int, expressions: Mapping[str, str]
) -> None:
    """Copy the row that ``where`` finds, so often.

    Parameters
    ----------
    expressions
        SQL for the columns that differ, over the number ``i`` of the copy; all others stay.
    """
    with closing(sqlite3.connect(database)) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        chosen = ", ".join(expressions.get(name, f'one."{name}"') for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        connection.execute(
            f"WITH RECURSIVE copies(i) AS "
            f"(SELECT 1 UNION ALL SELECT i + 1 FROM copies WHERE i < {count}) "
            f"INSERT INTO {table} ({columns}) SELECT {chosen} "
            f"FROM (SELECT * FROM {table} WHERE {where}) AS one, copies"
        )
        connection.commit()


@contextmanager
def in_bulk(database: Path) -> Iterator[None]:
    """Do without indexes and triggers meanwhile: to build them afterwards takes a tenth as long."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT type, name, sql FROM sqlite_master WHERE type IN (?, ?) AND sql NOTNULL"
        dropped = connection.execute(query, ("index", "trigger")).fetchall()
        connection.execute("PRAGMA synchronous=OFF")
        for kind, name, _ in dropped:
            connection.execute(f"DROP {kind} {name}")
        connection.commit()
        yield
        for _, _, sql in dropped:
            connection.execute(sql)
        _index_texts(connection)
        connection.commit()


def _index_texts(connection: sqlite3.Connection) -> None:
    """Have the index of the runs' texts built again, where there is one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs_text'").fetchone():
        connection.execute("INSERT INTO runs_text(runs_text) VALUES ('rebuild')")


def number_of(prefix: str) -> str:
    """SQL for an id of this prefix that is older than all real ones, in the order of ``i``."""
    return f"'{prefix}_' || printf('%026d', i)"
