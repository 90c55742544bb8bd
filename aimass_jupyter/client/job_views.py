"""A job as names and values: what it does, how far it is, what it gave, why it ended."""

from __future__ import annotations

from aimass_jupyter.client import views
from aimass_jupyter.contract.jobs import Job


def rows(job: Job) -> list[tuple[str, str]]:
    """One job."""
    told = [
        ("job", f"{job.name} ({job.id})"),
        ("state", job.state if job.final else f"{job.state}, {job.progress.fraction:.0%}"),
        *_what(job),
        ("dataset", job.dataset),
        ("metrics", views.show(job.metrics or job.progress.metrics)),
        ("model", job.model or ""),
        ("result", job.result or ""),
        ("memory", views.size(job.peak_memory_bytes) + " a rank" if job.peak_memory_bytes else ""),
        ("restarts", str(job.restarts or "")),
    ]
    told += [
        (f"run {number}", f"{attempt.seconds:,.0f} s, np {attempt.np}: {attempt.cause.message}")
        for number, attempt in enumerate(job.attempts, start=1)
    ]
    told += [("warning", warning) for warning in job.warnings]
    if job.cause and job.cause.code != "finished":
        told.append(("cause", job.cause.message))
        told += [("", line) for line in job.cause.last_lines[-8:]]
    return [(name, value) for name, value in told if value]


def _what(job: Job) -> list[tuple[str, str]]:
    """What is done, and where."""
    start = f", {job.start} start" if job.start else ""
    if job.kind != "training":
        return [("kind", job.kind + start), ("input", job.input.name if job.input else "")]
    devices = [
        f"{node or 'this machine'}: {', '.join(map(str, numbers))}"
        for node, numbers in job.devices.items()
    ]
    return [
        ("engine", f"{job.engine}, np {job.np}{start}"),
        ("nodes", ", ".join(f"{place.node} × {place.ranks}" for place in job.places)),
        ("GPUs", "; ".join(devices)),
        ("algorithm", job.algorithm),
    ]
