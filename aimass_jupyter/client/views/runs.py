"""Runs and experiments, runs side by side, what a retention freed."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import Rows, Table, listed, rows, said
from aimass_jupyter.client.views.words import number, show, size
from aimass_jupyter.contract.quantities import counted
from aimass_jupyter.contract.runs import Comparison, Experiment, Pruned, Run


@listed.register
def _listed(item: Run) -> dict[str, str]:
    return {
        "run": item.name,
        "experiment": item.experiment,
        "state": item.state,
        "metrics": show(_headline(item.metrics)),
        "tags": ", ".join(item.tags),
        "created": show(item.created_at),
        "id": item.id,
    }


@listed.register
def _experiment(item: Experiment) -> dict[str, str]:
    return {
        "experiment": item.name,
        "runs": str(item.runs),
        "newest": show(item.newest_at),
        "owner": item.owner,
    }


@rows.register
def _rows(run: Run) -> Rows:
    values = run.model_dump()
    if run.cause:
        values["cause"] = run.cause.message
    return said(values)


def compared(comparison: Comparison) -> Table:
    """Runs as columns; the parameters that differ, then the newest and the best of each metric."""
    heads = [f"{one.run.name} {one.run.id[-6:]}" for one in comparison.runs]
    lines = [
        ["state", *(one.run.state for one in comparison.runs)],
        ["tags", *(", ".join(one.run.tags) for one in comparison.runs)],
        *([name, *map(show, values)] for name, values in comparison.params.items()),
    ]
    for name, values in comparison.metrics.items():
        lines.append([name, *map(number, values)])
        if (best := comparison.best[name]) != values:
            lines.append([f"{name}, best", *map(number, best)])
    return ["", *heads], lines


def freed(pruned: Pruned) -> str:
    """What a retention did, or would do."""
    did = "would free" if pruned.dry_run else "freed"
    return f"{counted(len(pruned.runs), 'run')}, {did} {size(pruned.freed_bytes)}"


def _headline(metrics: dict[str, float | None]) -> dict[str, float | None]:
    """The metrics for one line: those on the held-out rows, else the curves of them."""
    final = {name: value for name, value in metrics.items() if "/" not in name}
    final.pop("learning_rate", None)
    held_out = {n: value for n, value in metrics.items() if n.endswith("/validation")}
    return final or held_out or metrics
