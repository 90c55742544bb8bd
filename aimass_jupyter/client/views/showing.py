"""The two ways in which a thing is shown: as a row among others, and alone as names and values.

Owns what holds for any answer. A noun whose things deserve better registers its own in the file of
that noun; this one knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from pydantic import BaseModel

from aimass_jupyter.client.views.words import show

Table = tuple[list[str], list[list[str]]]
Rows = list[tuple[str, str]]

_TELLING = {"name", "task", "help", "metric", "reason", "short", "role", "id", "expires_at"}


@singledispatch
def listed(item: BaseModel) -> dict[str, str]:
    """A thing as one row of a listing: cells by their heads."""
    return {name: show(value) for name, value in item.model_dump(include=_TELLING).items()}


@singledispatch
def rows(answer: BaseModel) -> Rows:
    """One thing as names and values."""
    return said(answer.model_dump())


def said(values: Mapping[str, Any]) -> Rows:
    """Those of these fields that say something."""
    return [
        (name, show(value)) for name, value in values.items() if value not in (None, "", {}, [])
    ]


def table_of(items: Sequence[BaseModel]) -> Table:
    """A listing as head and rows."""
    if not items:
        return ["nothing yet"], []
    lines = [listed(item) for item in items]
    return list(lines[0]), [list(line.values()) for line in lines]
