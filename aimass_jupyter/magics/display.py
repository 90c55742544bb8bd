"""How answers look: IPython formatters for the contract's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_jupyter.client.views import as_html, as_text
from aimass_jupyter.contract.base import Resource, secrets

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def show_answers(shell: InteractiveShell) -> None:
    """Give every answer a plain-text and an HTML view."""
    formatters = shell.display_formatter.formatters  # type: ignore[union-attr]
    formatters["text/plain"].for_type(Resource, _pretty)
    formatters["text/html"].for_type(Resource, lambda answer: as_html(_to_be_saved(answer)))


def _pretty(answer: Resource, printer: Any, cycle: bool) -> None:
    printer.text("…" if cycle else as_text(_to_be_saved(answer)))


def _to_be_saved(answer: Resource) -> Resource:
    """An answer without what is shown once, for a notebook keeps what it shows."""
    hidden = {name: f"print(_.{name}) shows it, this once" for name in secrets(answer)}
    return answer.model_copy(update=hidden) if hidden else answer
