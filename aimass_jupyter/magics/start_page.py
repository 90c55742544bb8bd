"""What ``%aimass`` alone shows: what is there, what is running, and what to try next."""

from __future__ import annotations

import html
from dataclasses import dataclass

from aimass_jupyter.client.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.system import Status

JOBS_SHOWN = 3
ACTIVE = ("queued", "starting", "running", "stopping")


@dataclass(frozen=True)
class StartPage:
    """A short page with a plain-text and a rich view."""

    status: Status
    jobs: tuple[Job, ...]

    def __repr__(self) -> str:
        parts = [_headline(self.status), *_running(self)]
        steps = _steps(self.status)
        width = max(len(line) for line, _ in steps)
        parts += ["", "Try next:", *(f"  {line:<{width}}   {why}" for line, why in steps)]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        head = "<br>".join(html.escape(line) for line in _headline(self.status).splitlines())
        running = "".join(f"<br>{html.escape(line.strip())}" for line in _running(self))
        steps = "".join(
            f"<tr><td style='text-align:left'><code>{html.escape(line)}</code></td>"
            f"<td style='text-align:left'>{html.escape(why)}</td></tr>"
            for line, why in _steps(self.status)
        )
        return f"<p>{head}{running}</p><table>{steps}</table>"


def start_page(client: Client) -> StartPage:
    """The page for the state that things are in now."""
    status: Status = client.system.status()
    jobs = client.jobs.list(state="active", limit=JOBS_SHOWN).items if _active(status) else []
    return StartPage(status, tuple(jobs))


def _active(status: Status) -> int:
    return sum(status.jobs.get(state, 0) for state in ACTIVE)


def _headline(status: Status) -> str:
    things = (
        (status.datasets, "dataset"),
        (status.models, "model"),
        (status.endpoints, "endpoint"),
        (status.services, "service"),
    )
    counts = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in things)
    return (
        f"AI Mass {status.version}: {counts}\n"
        f"{status.slots_used:g} of {status.slots} slots in use; "
        f"engines: {', '.join(status.engines)}"
    )


def _running(page: StartPage) -> list[str]:
    """The jobs that have not ended, the newest first."""
    more = _active(page.status) - len(page.jobs)
    lines = [f"  {job.name}: {job.state}, {job.progress.fraction:.0%}" for job in page.jobs]
    if page.jobs and more > 0:
        lines.append(f"  and {more} more: %aimass jobs --state active")
    return ["", "Running:", *lines] if lines else []


def _steps(status: Status) -> list[tuple[str, str]]:
    """The first step that was not taken yet, what helps on the way, and where to read on."""
    if not status.datasets:
        first = ("%aimass datasets import digits", "or a file: sales.csv --label churned")
    elif not status.models:
        first = ("%aimass train --dataset digits --algorithm classification --np 2", "as a job")
    elif not status.endpoints:
        first = ("%aimass deploy <model>", "at a URL of its own; see %aimass models")
    else:
        first = ("%aimass publish <notebook.ipynb> --name <name>", "as a dashboard")
    panel = ("%aimass select", "the same by clicks, in a panel")
    return [first, panel, ("%aimass help", "all verbs")]
