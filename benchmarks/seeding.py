"""Seeding: many rows like one that the product wrote, straight into its database.

Only while no control plane owns the data folder. A benchmark of a long history would else have to
live through it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
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


def number_of(prefix: str) -> str:
    """SQL for an id of this prefix that is older than all real ones, in the order of ``i``."""
    return f"'{prefix}_' || printf('%026d', i)"
