"""Datasets and models."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import Rows, listed, rows
from aimass_jupyter.client.views.words import show, size
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.models import Model, ModelDetail


@listed.register
def _dataset_listed(item: Dataset) -> dict[str, str]:
    return {
        "dataset": item.name,
        "version": str(item.latest.version),
        "rows": str(item.latest.rows),
        "columns": str(len(item.latest.columns)),
        "label": item.latest.label or "",
        "task": item.latest.task or "",
        "size": size(item.latest.size_bytes),
    }


@listed.register
def _model_listed(item: Model) -> dict[str, str]:
    return {
        "model": item.name,
        "newest": str(item.latest.version),
        "aliases": ", ".join(f"@{a} → {v}" for a, v in item.aliases.items()),
        "task": item.latest.task,
        "metrics": show(item.latest.metrics),
        "size": size(item.latest.size_bytes),
        "dataset": item.latest.dataset,
    }


@rows.register
def _dataset(dataset: Dataset) -> Rows:
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


@rows.register
def _model(model: Model) -> Rows:
    return list(listed(model).items())


@rows.register
def _detail(model: ModelDetail) -> Rows:
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
