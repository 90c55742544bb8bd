"""Jobs: what one does, how far it is, what it gave, why it ended, why it waits, what it had."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import Rows, listed, rows
from aimass_jupyter.client.views.words import duration, memory, show, size
from aimass_jupyter.contract.job_course import Curves, JobUpdate
from aimass_jupyter.contract.job_inputs import Artifacts, JobInputs
from aimass_jupyter.contract.job_queue import Why
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.quantities import counted


@listed.register
def _listed(item: Job) -> dict[str, str]:
    return {
        "job": item.name,
        "state": _state(item),
        "owner": item.owner,
        "engine": f"{item.engine} × {item.np}" if item.kind == "training" else item.kind,
        "dataset": item.dataset,
        "metrics": show(item.metrics or item.progress.metrics),
        "model": item.model or item.result or "",
        "created": show(item.created_at),
        "id": item.id,
    }


def _state(job: Job) -> str:
    """Its state; of one that failed, also of what."""
    return f"failed: {job.cause.code}" if job.state == "failed" and job.cause else job.state


@rows.register
def _rows(job: Job) -> Rows:
    """One job."""
    told = [
        ("job", f"{job.name} ({job.id})"),
        ("state", job.state if job.final else f"{job.state}, {job.progress.fraction:.0%}"),
        ("owner", job.owner),
        *_what(job),
        ("dataset", job.dataset),
        ("metrics", show(job.metrics or job.progress.metrics)),
        ("model", job.model or ""),
        ("result", job.result or ""),
        ("memory", memory(job.peak_memory_bytes) + " a rank" if job.peak_memory_bytes else ""),
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


def _what(job: Job) -> Rows:
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


@rows.register
def _update(update: JobUpdate) -> Rows:
    return rows(update.job)


@rows.register
def _curves(curves: Curves) -> Rows:
    return [(one.tag, _points(one.values)) for one in curves.series]


def _points(values: list[float | None]) -> str:
    return f"{counted(len(values), 'point')}, last {show(values[-1] if values else None)}"


@rows.register
def _why(why: Why) -> Rows:
    told = [("job", f"{why.name} ({why.job})"), ("state", why.state)]
    if why.position is not None:
        told.append(("place", f"{why.position} of {why.waiting} that wait"))
    told += [(f"kept by {blocker.kind}", blocker.message) for blocker in why.blockers]
    if why.starts_in_seconds is not None:
        told.append(("starts in", f"about {duration(why.starts_in_seconds)}"))
    if why.expected_seconds is not None:
        told.append(("should run", f"about {duration(why.expected_seconds)}"))
    if why.memory_bytes is not None:
        told.append(("should take", f"{memory(why.memory_bytes)} of memory a rank"))
    told += [("note", note) for note in why.notes]
    return told


@rows.register
def _artifacts(artifacts: Artifacts) -> Rows:
    told = [(item.path, size(item.size_bytes)) for item in artifacts.items]
    return told or [("files", "none")]


@rows.register
def _inputs(inputs: JobInputs) -> Rows:
    environment, commit = inputs.environment, inputs.repository
    told = [
        ("job", inputs.job),
        ("algorithm", inputs.algorithm),
        ("dataset", f"{inputs.dataset} ({inputs.dataset_digest[:12]})" if inputs.dataset else ""),
        ("label", inputs.label),
        ("params", show(inputs.params)),
        ("seed", str(inputs.seed)),
        ("engine", f"{inputs.engine}, np {inputs.np}"),
        ("source", f"{inputs.source.kind}, {inputs.source.digest[:12]}" if inputs.source else ""),
        ("environment", f"Python {environment.python}, {len(environment.packages)} packages "
         f"({environment.digest[:12]})" if environment else ""),
        ("commit", f"{commit.commit[:12]} on {commit.branch}" if commit else ""),
        ("changed", ", ".join(commit.changed) if commit else ""),
    ]  # fmt: skip
    told += [(item.kind, f"{item.name}  {item.origin}") for item in inputs.items]
    numbered = enumerate(inputs.code.splitlines(), start=1)
    told += [("code" if number == 1 else "", f"{number:>3}  {line}") for number, line in numbered]
    return [(name, value) for name, value in told if value]
