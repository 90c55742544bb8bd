"""A dry run of an algorithm: one real step on a few rows, from end to end."""

from __future__ import annotations

import numpy as np

from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.rows import Rows

ROWS_A_RANK = 8


def one_step(params: Hyperparameters, rows: Rows) -> tuple[Hyperparameters, Rows]:
    """The same job with as little to do as there can be."""
    count = min(rows.training_rows, ROWS_A_RANK * rows.place.size)
    short = {"epochs": 1, "batch_size": max(count, params.batch_size)}
    return params.model_copy(update=short), rows.picking(np.arange(count))
