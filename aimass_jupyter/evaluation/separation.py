"""How well each class is separated from the others at every threshold: precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

THRESHOLDS = 127
MAX_CLASSES = 10
MAX_VALUES = 5_000_000

Array = npt.NDArray[Any]


def separations(
    probabilities: Array, truths: Array, classes: Sequence[str]
) -> dict[str, Array]:  # fmt: skip
    """Count, for each class, what a threshold on its probability gets right and wrong.

    Returns
    -------
    dict
        Class → (6, thresholds): true positives, false positives, true negatives, false negatives,
        precision, recall. Of two classes the second alone is told; of very many, or of very many
        rows, none.
    """
    if len(classes) > MAX_CLASSES or probabilities.size > MAX_VALUES or not len(truths):
        return {}
    if not np.isfinite(probabilities).all():
        return {}
    wanted = range(1, 2) if len(classes) == 2 else range(len(classes))
    return {
        classes[number]: threshold_counts(probabilities[:, number], truths == number)
        for number in wanted
    }


def threshold_counts(scores: Array, positive: Array, thresholds: int = THRESHOLDS) -> Array:
    """Count what thresholds from 0 to 1 get right and wrong; a row is told when it reaches one.

    Parameters
    ----------
    scores
        Shape (rows,), 0 to 1.
    positive
        Shape (rows,), whether it is so.
    """
    place = np.floor(np.clip(scores, 0, 1) * (thresholds - 1)).astype(np.int64)
    told_right = _at_or_above(place[positive], thresholds)
    told_wrong = _at_or_above(place[~positive], thresholds)
    missed = positive.sum() - told_right
    passed = (~positive).sum() - told_wrong
    precision = told_right / np.maximum(told_right + told_wrong, 1)
    recall = told_right / max(int(positive.sum()), 1)
    return np.stack([told_right, told_wrong, passed, missed, precision, recall]).astype(np.float32)


def _at_or_above(places: Array, thresholds: int) -> npt.NDArray[np.float64]:
    counts = np.bincount(places, minlength=thresholds)
    return counts[::-1].cumsum()[::-1].astype(np.float64)
