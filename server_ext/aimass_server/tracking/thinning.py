"""Thinning: few points that draw the same curve, for any number of points.

Steps are cut into equal stretches; of each, the lowest, the highest and the first value that is not
finite stay, and of all, the first and the last point. So peaks and gaps survive. A stretch is a
power of two long and begins at a multiple of it, so that stretches nest, as a pyramid's: what is
thinned again, here or in a view, stays equally fine over its whole length.
"""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def thin(steps: array[int], values: array[float], start: int, limit: int) -> list[int]:
    """Return the indices, from ``start`` on, of at most ``limit`` (8 or more) points."""
    step = np.array(steps[start:], np.int64)
    value = np.array(values[start:], np.float64)
    bucket = step >> _shift(int(step.min()), int(step.max()), (limit - 2) // 3)
    order = np.arange(len(step))
    if (bucket[1:] < bucket[:-1]).any():  # a run that went on from an older checkpoint
        order = np.argsort(bucket, kind="stable")
    kept = [
        _firsts(bucket[order], _extreme(value[order], np.inf), np.minimum),
        _firsts(bucket[order], _extreme(value[order], -np.inf), np.maximum),
        _first_missing(bucket[order], value[order]),
    ]
    ends = np.array([0, len(step) - 1])
    indices = np.unique(np.concatenate([ends, *(order[found] for found in kept)]))
    return [int(index) for index in indices + start]


def _shift(low: int, high: int, most: int) -> int:
    """The logarithm of the shortest stretch of which at most so many touch the range."""
    shift = 0
    while (high >> shift) - (low >> shift) >= most:
        shift += 1
    return shift


def _extreme(values: npt.NDArray[np.float64], never: float) -> npt.NDArray[np.float64]:
    """The values, with what is not finite replaced by one that is never the extreme."""
    return np.where(np.isfinite(values), values, never)


def _firsts(
    bucket: Indices, values: npt.NDArray[np.float64], extreme: np.ufunc
) -> Indices:  # fmt: skip
    """Where the extreme of each bucket stands first; none for a bucket without a finite value."""
    begins = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]])
    number = np.repeat(np.arange(len(begins)), np.diff(np.r_[begins, len(bucket)]))
    found = np.flatnonzero(
        (values == extreme.reduceat(values, begins)[number]) & np.isfinite(values)
    )
    return found[np.unique(number[found], return_index=True)[1]]


def _first_missing(bucket: Indices, values: npt.NDArray[np.float64]) -> Indices:
    missing = np.flatnonzero(~np.isfinite(values))
    return missing[np.unique(bucket[missing], return_index=True)[1]]
