"""What ``%aimass`` alone shows: what is there, and what to try next."""

from __future__ import annotations

import html
from dataclasses import dataclass

from aimass_jupyter.client.client import Client
from aimass_jupyter.contract.system import Status


@dataclass(frozen=True)
class StartPage:
    """A short page with a plain-text and a rich view."""

    status: Status
    next_lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join([_headline(self.status), *(f"  {line}" for line in self.next_lines)])

    def _repr_html_(self) -> str:
        lines = html.escape("\n".join(self.next_lines))
        return f"<p>{html.escape(_headline(self.status))}</p><pre>{lines}</pre>"


def start_page(client: Client) -> StartPage:
    """The page for the state that things are in now."""
    status: Status = client.system.status()
    return StartPage(status, _next_lines(status))


def _headline(status: Status) -> str:
    running = sum(status.jobs.get(state, 0) for state in ("queued", "starting", "running"))
    return (
        f"AI Mass {status.version}: {status.datasets} datasets, {running} jobs active, "
        f"{status.models} models, {status.endpoints} endpoints, {status.services} services; "
        f"{status.slots_used} of {status.slots} slots in use; engines: {', '.join(status.engines)}"
    )


def _next_lines(status: Status) -> tuple[str, ...]:
    """The first step that was not taken yet, and where to read on."""
    if not status.datasets:
        step = "%aimass datasets import digits        # or a file: sales.csv --label churned"
    elif not status.models:
        step = "%aimass train --dataset digits --algorithm classification --np 2"
    elif not status.endpoints:
        step = "%aimass deploy <model>                # see: %aimass models"
    else:
        step = "%aimass publish <notebook.ipynb> --name <name>"
    return (step, "%aimass help                          # all verbs")
