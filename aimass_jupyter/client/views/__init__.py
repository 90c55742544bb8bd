"""Answers as text and as HTML: one small table a listing, one block a thing.

Owns the two forms. What is said of a thing is in the file of its noun, which registers it; a thing
that none of them knows shows all of its fields.
"""

from __future__ import annotations

import html
from typing import Any

from pydantic import BaseModel

from aimass_jupyter.client.views import clusters, jobs, library, serving, system  # noqa: F401
from aimass_jupyter.client.views.runs import compared, freed
from aimass_jupyter.client.views.showing import rows, table_of
from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.job_course import LogChunk
from aimass_jupyter.contract.runs import Comparison, Pruned
from aimass_jupyter.contract.services import ServiceLog

__all__ = ["as_html", "as_text"]


def as_text(answer: BaseModel) -> str:
    """An answer as plain text."""
    if isinstance(answer, Comparison):
        return _text_table(*compared(answer))
    if isinstance(answer, Pruned):
        return f"{_text_table(*table_of(answer.runs))}\n{freed(answer)}"
    if isinstance(answer, LogChunk | ServiceLog):
        return answer.text.rstrip("\n") + _more(answer)
    if isinstance(answer, Page):
        return _text_table(*table_of(answer.items)) + _more(answer)
    told = rows(answer)
    width = max((len(name) for name, _ in told), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in told)


def as_html(answer: BaseModel) -> str:
    """An answer as HTML; every value is escaped."""
    if isinstance(answer, Comparison):
        return _html_table(*compared(answer))
    if isinstance(answer, Pruned):
        return _html_table(*table_of(answer.runs)) + html.escape(freed(answer))
    if isinstance(answer, LogChunk | ServiceLog):
        return f"<pre>{html.escape(answer.text + _more(answer))}</pre>"
    if isinstance(answer, Page):
        return _html_table(*table_of(answer.items)) + html.escape(_more(answer))
    cells = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for name, value in rows(answer)
    )
    return f"<table>{cells}</table>"


def _more(answer: Page[Any] | LogChunk | ServiceLog) -> str:
    """How to ask for what comes after."""
    if isinstance(answer, Page):
        return f"\n… more: --next-token {answer.next_token}" if answer.next_token else ""
    if isinstance(answer, LogChunk) and answer.more:
        return f"\n… more: --cursor {answer.cursor}"
    return ""


def _text_table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, *rows] if rows else [head]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _html_table(head: list[str], rows: list[list[str]]) -> str:
    def row(cells: list[str], tag: str) -> str:
        inner = "".join(
            f"<{tag} style='text-align:left'>{html.escape(cell)}</{tag}>" for cell in cells
        )
        return f"<tr>{inner}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"
