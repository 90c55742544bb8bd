"""Which rows are held out: the same ones for the same labels, fraction and seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.contract.errors import InvalidRequest

Indices = npt.NDArray[np.int64]


def split_rows(
    rows: int | npt.NDArray[Any], fraction: float, seed: int, stratify: bool = False
) -> tuple[Indices, Indices]:
    """Split rows into those to train on and those held out.

    Parameters
    ----------
    rows
        How many rows there are, or their labels, one a row.
    fraction
        Share of the rows to hold out, above 0 and below 1. Both parts get a row at least.
    stratify
        Keep the share of each class. Every class keeps a row to train on.

    Returns
    -------
    tuple
        Indices to train on and indices held out, each ascending; together every row once.

    Raises
    ------
    InvalidRequest
        When there are too few rows to split.
    """
    count = rows if isinstance(rows, int) else len(rows)
    if count < 2:
        raise InvalidRequest(
            f"the dataset has {count} usable row{'s' * (count != 1)}, and a split needs 2 or more",
            "import more rows, or fill in missing labels",
        )
    if not 0 < fraction < 1:
        raise InvalidRequest(f"the held-out share is {fraction}, and must lie between 0 and 1")
    wanted = min(max(round(count * fraction), 1), count - 1)
    generator = np.random.default_rng(seed)
    if stratify and not isinstance(rows, int):
        held_out = _stratified(rows, wanted, generator)
    else:
        held_out = generator.permutation(count)[:wanted]
    chosen = np.zeros(count, dtype=bool)
    chosen[held_out] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _stratified(labels: npt.NDArray[Any], wanted: int, generator: np.random.Generator) -> Indices:
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    quotas = _quotas(sizes, wanted)
    picked = [
        generator.permutation(np.flatnonzero(classes == number))[:quota]
        for number, quota in enumerate(quotas)
    ]
    return np.concatenate(picked)


def _quotas(sizes: Indices, wanted: int) -> Indices:
    """Share ``wanted`` out by the largest remainder, leaving one row of each class to train on."""
    if sizes.max() < 2:
        raise InvalidRequest(
            f"each of the {len(sizes)} classes has a single row: none can be held out",
            "give a class two rows or more, or choose another label",
        )
    exact = sizes * (wanted / sizes.sum())
    quotas: Indices = np.minimum(np.floor(exact).astype(np.int64), sizes - 1)
    order = np.argsort(quotas - exact, kind="stable")
    while (left := wanted - int(quotas.sum())) > 0:
        open_classes = [number for number in order if quotas[number] < sizes[number] - 1][:left]
        if not open_classes:
            break
        quotas[open_classes] += 1
    return quotas
