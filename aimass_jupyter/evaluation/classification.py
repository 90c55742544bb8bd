"""Classification: accuracy, macro F1, log loss, and a score for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.evaluation.report import ClassScore, Report, finite
from aimass_jupyter.evaluation.separation import separations

Array = npt.NDArray[Any]


def classification_report(
    probabilities: Array, truths: Array, classes: Sequence[str]
) -> Report:  # fmt: skip
    """Compare predicted probabilities with the true classes.

    Parameters
    ----------
    probabilities
        Shape (rows, classes); the largest of a row is what is predicted.
    truths
        Shape (rows,), the number of each row's true class.
    classes
        The name of each class.

    Returns
    -------
    Report
        ``f1`` is the mean over the classes that occur, as truth or as prediction; a class that is
        never right counts 0.
    """
    confusion = _confusion(truths, probabilities.argmax(axis=1), len(classes))
    scores = _scores(confusion, classes)
    occurs = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    f1 = np.array([score.f1 for score in scores])[occurs]
    metrics = {
        "accuracy": _ratio(confusion.trace(), len(truths)),
        "f1": float(f1.mean()) if len(f1) else float("nan"),
        "log_loss": _log_loss(probabilities, truths),
    }
    whole = bool(np.isfinite(probabilities).all())
    shown = finite(metrics) if whole else dict.fromkeys(metrics)
    drawn = separations(probabilities, truths, classes)
    return Report(len(truths), shown, scores, confusion.tolist(), drawn)


def _confusion(truths: Array, predicted: Array, classes: int) -> npt.NDArray[np.int64]:
    counts = np.bincount(truths * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def _scores(confusion: npt.NDArray[np.int64], classes: Sequence[str]) -> list[ClassScore]:
    right, rows, given = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return [
        ClassScore(
            name=name,
            rows=int(rows[number]),
            precision=_share(right[number], given[number]),
            recall=_share(right[number], rows[number]),
            f1=_share(2 * right[number], rows[number] + given[number]),
        )
        for number, name in enumerate(classes)
    ]


def _log_loss(probabilities: Array, truths: Array) -> float:
    """Mean of -log of the probability that the true class was given; never infinite."""
    if not len(truths):
        return float("nan")
    wide = probabilities.astype(np.float64)
    wide /= wide.sum(axis=1, keepdims=True)
    given = wide[np.arange(len(truths)), truths]
    return float(-np.log(np.maximum(given, np.finfo(probabilities.dtype).eps)).mean())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
