"""Answers as text and as HTML: one small table a listing, one block a thing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.clusters import Cluster, ClusterUsage, Faults, Node, NodeUsage
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.endpoints import Endpoint, EndpointUsage
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.job_course import Curves, JobUpdate, LogChunk
from aimass_jupyter.contract.job_inputs import Artifacts, JobInputs
from aimass_jupyter.contract.job_queue import Why
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.models import Model, ModelDetail
from aimass_jupyter.contract.quantities import counted
from aimass_jupyter.contract.runs import Comparison, Experiment, Pruned, Run
from aimass_jupyter.contract.services import Service, ServiceLog
from aimass_jupyter.contract.system import Diagnosis

Table = tuple[list[str], list[list[str]]]


def as_text(answer: BaseModel) -> str:
    """An answer as plain text."""
    if isinstance(answer, Comparison):
        return _text_table(*_compared(answer))
    if isinstance(answer, Pruned):
        return f"{_text_table(*table_of(answer.runs))}\n{_freed(answer)}"
    if isinstance(answer, LogChunk | ServiceLog):
        return answer.text.rstrip("\n")
    if isinstance(answer, Page):
        return _text_table(*table_of(answer.items)) + _more(answer)
    rows = rows_of(answer)
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def as_html(answer: BaseModel) -> str:
    """An answer as HTML; every value is escaped."""
    if isinstance(answer, Comparison):
        return _html_table(*_compared(answer))
    if isinstance(answer, Pruned):
        return _html_table(*table_of(answer.runs)) + html.escape(_freed(answer))
    if isinstance(answer, LogChunk | ServiceLog):
        return f"<pre>{html.escape(answer.text)}</pre>"
    if isinstance(answer, Page):
        return _html_table(*table_of(answer.items)) + html.escape(_more(answer))
    cells = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for name, value in rows_of(answer)
    )
    return f"<table>{cells}</table>"


def table_of(items: Sequence[BaseModel]) -> Table:
    """A listing as head and rows."""
    if not items:
        return ["nothing yet"], []
    rows = [_listed(item) for item in items]
    return list(rows[0]), [list(row.values()) for row in rows]


def rows_of(answer: BaseModel) -> list[tuple[str, str]]:
    """One thing as names and values."""
    if isinstance(answer, Diagnosis):
        marks = [("ok" if c.ok else "BROKEN", c) for c in answer.checks]
        return [
            (c.name, f"{mark}: {c.found}{f' → {c.cure}' if c.cure else ''}") for mark, c in marks
        ]
    if isinstance(answer, Curves):
        return [
            (s.tag, f"{len(s.values)} points, last {show(_last(s.values))}") for s in answer.series
        ]
    if isinstance(answer, JobUpdate):
        return rows_of(answer.job)
    if isinstance(answer, Dataset):
        return _dataset_rows(answer)
    if isinstance(answer, ModelDetail):
        return _model_rows(answer)
    if isinstance(answer, Job):
        from aimass_jupyter.client import job_views

        return job_views.rows(answer)
    if isinstance(answer, Why):
        return _why_rows(answer)
    if isinstance(answer, ClusterUsage | NodeUsage | Faults):
        from aimass_jupyter.client import cluster_views

        return cluster_views.rows(answer)
    if isinstance(answer, EndpointUsage):
        from aimass_jupyter.client import endpoint_views

        return endpoint_views.rows(answer)
    if isinstance(answer, Artifacts):
        return [(item.path, size(item.size_bytes)) for item in answer.items]
    if isinstance(answer, JobInputs):
        return _input_rows(answer)
    if isinstance(answer, Model | Endpoint):
        return list(_listed(answer).items())
    values = answer.model_dump()
    if isinstance(answer, Run) and answer.cause:
        values["cause"] = answer.cause.message
    return [
        (name, show(value)) for name, value in values.items() if value not in (None, "", {}, [])
    ]


def _listed(item: BaseModel) -> dict[str, str]:
    """A thing as one row of a listing."""
    match item:
        case Cluster() | Node():
            from aimass_jupyter.client import cluster_views

            return cluster_views.listed(item)
        case Job():
            return {
                "job": item.name,
                "state": item.state,
                "engine": f"{item.engine} × {item.np}" if item.kind == "training" else item.kind,
                "dataset": item.dataset,
                "metrics": show(item.metrics or item.progress.metrics),
                "model": item.model or item.result or "",
                "created": show(item.created_at),
                "id": item.id,
            }
        case Run():
            return {
                "run": item.name,
                "experiment": item.experiment,
                "state": item.state,
                "metrics": show(_headline(item.metrics)),
                "tags": ", ".join(item.tags),
                "created": show(item.created_at),
                "id": item.id,
            }
        case Experiment():
            return {
                "experiment": item.name,
                "runs": str(item.runs),
                "newest": show(item.newest_at),
                "owner": item.owner,
            }
        case Model():
            return {
                "model": item.name,
                "newest": str(item.latest.version),
                "aliases": ", ".join(f"@{a} → {v}" for a, v in item.aliases.items()),
                "task": item.latest.task,
                "metrics": show(item.latest.metrics),
                "size": size(item.latest.size_bytes),
                "dataset": item.latest.dataset,
            }
        case Dataset():
            return {
                "dataset": item.name,
                "version": str(item.latest.version),
                "rows": str(item.latest.rows),
                "columns": str(len(item.latest.columns)),
                "label": item.latest.label or "",
                "task": item.latest.task or "",
                "size": size(item.latest.size_bytes),
            }
        case Endpoint():
            return {
                "endpoint": item.name,
                "state": item.state,
                "model": item.model,
                "url": item.url,
            }
        case Service():
            return {
                "service": item.name,
                "state": item.state,
                "notebook": item.notebook,
                "version": str(item.version),
                "url": item.url,
            }
        case Event():
            return {
                "sequence": str(item.sequence),
                "time": show(item.time),
                "what": item.topic,
                "name": item.name,
                "by": item.actor,
            }
    short = {"name", "task", "help", "metric", "reason", "short", "role", "id", "expires_at"}
    values = item.model_dump(include=short)
    return {name: show(value) for name, value in values.items()}


def _dataset_rows(dataset: Dataset) -> list[tuple[str, str]]:
    version = dataset.latest
    columns = [
        f"{c.name} ({c.kind}{' ' + '×'.join(map(str, c.shape)) if c.shape else ''})"
        for c in version.columns
    ]
    return [
        ("dataset", f"{dataset.name}@{version.version}"),
        ("rows", str(version.rows)),
        ("label", f"{version.label} → {version.task}" if version.label else "none: pass --label"),
        ("columns", ", ".join(columns[:40]) + (" …" if len(columns) > 40 else "")),
        ("size", size(version.size_bytes)),
        ("source", version.source),
        ("owner", dataset.owner),
        ("id", dataset.id),
    ]


def _model_rows(model: ModelDetail) -> list[tuple[str, str]]:
    chosen = model.selected
    inputs = ", ".join(f"{i.name} {i.datatype}{i.shape}" for i in chosen.signature.inputs[:20])
    return [
        ("model", f"{model.name}@{chosen.version}"),
        ("aliases", ", ".join(f"@{a} → {v}" for a, v in model.aliases.items()) or "none"),
        ("task", f"{chosen.task} ({chosen.algorithm})"),
        ("metrics", show(chosen.metrics)),
        ("inputs", inputs),
        ("dataset", chosen.dataset),
        ("job", chosen.job),
        ("size", size(chosen.size_bytes)),
        ("versions", str(model.versions)),
    ]


def _input_rows(inputs: JobInputs) -> list[tuple[str, str]]:
    environment, commit = inputs.environment, inputs.repository
    rows = [
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
    rows += [(item.kind, f"{item.name}  {item.origin}") for item in inputs.items]
    numbered = enumerate(inputs.code.splitlines(), start=1)
    rows += [("code" if number == 1 else "", f"{number:>3}  {line}") for number, line in numbered]
    return [(name, value) for name, value in rows if value]


def _compared(comparison: Comparison) -> Table:
    """Runs as columns; the parameters that differ, then the newest and the best of each metric."""
    heads = [f"{one.run.name} {one.run.id[-6:]}" for one in comparison.runs]
    rows = [
        ["state", *(one.run.state for one in comparison.runs)],
        ["tags", *(", ".join(one.run.tags) for one in comparison.runs)],
        *([name, *map(show, values)] for name, values in comparison.params.items()),
    ]
    for name, values in comparison.metrics.items():
        rows.append([name, *map(_number, values)])
        if (best := comparison.best[name]) != values:
            rows.append([f"{name}, best", *map(_number, best)])
    return ["", *heads], rows


def _freed(pruned: Pruned) -> str:
    """What a retention did, or would do."""
    did = "would free" if pruned.dry_run else "freed"
    return f"{counted(len(pruned.runs), 'run')}, {did} {size(pruned.freed_bytes)}"


def _headline(metrics: dict[str, float | None]) -> dict[str, float | None]:
    """The metrics for one line: those on the held-out rows, else the curves of them."""
    final = {name: value for name, value in metrics.items() if "/" not in name}
    final.pop("learning_rate", None)
    held_out = {n: value for n, value in metrics.items() if n.endswith("/validation")}
    return final or held_out or metrics


def _number(value: float | None) -> str:
    return "–" if value is None else show(value)


def _why_rows(why: Why) -> list[tuple[str, str]]:
    rows = [("job", f"{why.name} ({why.job})"), ("state", why.state)]
    if why.position is not None:
        rows.append(("place", f"{why.position} of {why.waiting} that wait"))
    rows += [(f"kept by {blocker.kind}", blocker.message) for blocker in why.blockers]
    if why.starts_in_seconds is not None:
        rows.append(("starts in", f"about {duration(why.starts_in_seconds)}"))
    if why.expected_seconds is not None:
        rows.append(("should run", f"about {duration(why.expected_seconds)}"))
    if why.memory_bytes is not None:
        rows.append(("should take", f"{size(why.memory_bytes)} of memory a rank"))
    rows += [("note", note) for note in why.notes]
    return rows


def duration(seconds: float) -> str:
    """A length of time as a person reads it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def show(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {show(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(show(inner) for inner in value)
    return "" if value is None else str(value)


def size(number: int) -> str:
    """A number of bytes as a person reads it."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _last(values: list[float | None]) -> float | None:
    return values[-1] if values else None


def _more(page: Page[Any]) -> str:
    return f"\n… more: --next-token {page.next_token}" if page.next_token else ""


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
