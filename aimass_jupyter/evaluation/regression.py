"""Regression: R², root mean squared error, mean absolute error, in the label's own unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.evaluation.report import Report, finite

Array = npt.NDArray[Any]


def regression_report(predicted: Array, truths: Array) -> Report:
    """Compare predicted numbers with the true ones; both of shape (rows,).

    Returns
    -------
    Report
        ``r2`` is None when all truths are equal: there is nothing to explain.
    """
    truths = truths.astype(np.float64)
    errors = predicted.astype(np.float64) - truths
    if not len(truths):
        return Report(0, {"r2": None, "rmse": None, "mae": None})
    spread = float(((truths - truths.mean()) ** 2).sum())
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float((errors**2).sum())
        metrics = {
            "r2": 1 - squares / spread if spread else float("nan"),
            "rmse": float(np.sqrt(squares / len(truths))),
            "mae": float(np.abs(errors).mean()),
        }
    return Report(len(truths), finite(metrics))
