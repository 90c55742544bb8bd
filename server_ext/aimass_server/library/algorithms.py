"""Which algorithms there are, and which suit a dataset."""

from __future__ import annotations

from aimass_jupyter.contract.algorithms import (
    ALGORITHMS,
    AlgorithmDeclaration,
    AlgorithmList,
    Recommendation,
)
from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.datasets import Dataset
from aimass_server.access import Call
from aimass_server.library.datasets import Datasets


class Algorithms:
    """Lists algorithms, ranked by how well they suit a dataset."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    async def list(self, call: Call, request: AlgorithmList) -> Page[Recommendation]:
        """All algorithms; for a dataset those that suit it first, each with the reason."""
        declared = list(ALGORITHMS.values())
        if request.dataset is None:
            items = [Recommendation(**dict(d.describe())) for d in declared]
        else:
            dataset = await self._datasets.find(call, request.dataset)
            ranked = sorted(declared, key=lambda d: d.task != dataset.latest.task)
            items = [
                Recommendation(**dict(d.describe()), reason=_reason(d, dataset)) for d in ranked
            ]
        return Page[Recommendation](items=items)


def _reason(algorithm: AlgorithmDeclaration, dataset: Dataset) -> str:
    """Why an algorithm suits a dataset, or does not, from its profile."""
    version = dataset.latest
    if version.label is None:
        return f"dataset '{dataset.name}' has no label yet: choose the column to learn"
    label = next(c for c in version.columns if c.name == version.label)
    usable = sum(c.kind in algorithm.inputs for c in version.columns if c is not label)
    values = f"{label.distinct} distinct values" if label.distinct else f"type {label.type}"
    if version.task == algorithm.task:
        return (
            f"'{label.name}' has {values}: {algorithm.task}; "
            f"{version.rows} rows, {usable} usable columns"
        )
    return f"'{label.name}' has {values}, which suits {version.task}, not {algorithm.task}"
