"""The curves of a job as a view keeps them: few enough points to send, with every peak kept.

Pure: takes points, gives points; it neither reads nor sends them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aimass_jupyter.contract.job_course import Series

MAX_POINTS = 2_000
MAX_POINTS_OF_ALL = 20_000
MIN_POINTS = 64


def thin(steps: Sequence[int], values: Sequence[float | None], limit: int) -> list[int]:
    """Return the indices of at most ``limit`` points that draw the same curve.

    The steps are cut into equal stretches; of each, the lowest, the highest and the first missing
    value stay, and of all, the first and the last point. So peaks and gaps survive. A stretch is
    a power of two long and begins at a multiple of it, so that stretches nest: a curve that is
    thinned again and again as it grows stays equally fine over its whole length.

    Parameters
    ----------
    steps, values
        The points, equally many; a value that is None is a gap.
    limit
        At least 8.
    """
    count = len(values)
    if count <= limit:
        return list(range(count))
    stretch = _stretch(min(steps), max(steps), (limit - 2) // 3)
    kept = _extremes([step // stretch for step in steps], values)
    return sorted(kept | {0, count - 1})


def _stretch(low: int, high: int, most: int) -> int:
    """The shortest stretch of which at most so many touch the range."""
    stretch = 1
    while high // stretch - low // stretch >= most:
        stretch *= 2
    return stretch


def _extremes(buckets: Sequence[int], values: Sequence[float | None]) -> set[int]:
    """The indices of the lowest, the highest and the first missing value of each bucket."""
    lowest: dict[int, int] = {}
    highest: dict[int, int] = {}
    missing: dict[int, int] = {}
    for index, (bucket, value) in enumerate(zip(buckets, values, strict=True)):
        if value is None:
            missing.setdefault(bucket, index)
            continue
        low, high = (values[of.setdefault(bucket, index)] for of in (lowest, highest))
        if low is not None and value < low:
            lowest[bucket] = index
        if high is not None and value > high:
            highest[bucket] = index
    return {*lowest.values(), *highest.values(), *missing.values()}


@dataclass
class Curve:
    """The points kept of one curve, column-wise."""

    steps: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)

    def extend(self, series: Series, limit: int) -> None:
        """Add points; over ``limit``, thin to half of it, so that most additions thin nothing.

        When they begin within what is there, the run went on from a checkpoint, or began anew, and
        did again what came after that.
        """
        if self.steps and series.steps[0] <= self.steps[-1] != 0:
            self._keep(range(bisect_left(self.steps, series.steps[0])))
        self.steps += series.steps
        self.times += series.times
        self.values += series.values
        if len(self.values) > limit:
            self._keep(thin(self.steps, self.values, limit // 2))

    def _keep(self, indices: Sequence[int]) -> None:
        self.steps = [self.steps[index] for index in indices]
        self.times = [self.times[index] for index in indices]
        self.values = [self.values[index] for index in indices]


class CurveSet:
    """All curves of a job, by tag, in the order in which they first appeared."""

    def __init__(self) -> None:
        self._curves: dict[str, Curve] = {}

    def extend(self, news: Iterable[Series]) -> None:
        """Add new points, in the order in which they were logged."""
        for series in news:
            self._curves.setdefault(series.tag, Curve()).extend(series, self._limit)

    @property
    def _limit(self) -> int:
        """Points a curve may have; fewer when there are many curves, so that the sum is bounded."""
        fair = MAX_POINTS_OF_ALL // max(1, len(self._curves))
        return max(MIN_POINTS, min(MAX_POINTS, fair))

    def series(self) -> list[Series]:
        """The points kept, in the contract's form."""
        return [
            Series(tag=tag, steps=curve.steps, times=curve.times, values=curve.values)
            for tag, curve in self._curves.items()
        ]


def wire(series: Iterable[Series], limit: int = MAX_POINTS) -> list[dict[str, object]]:
    """Points as they travel to a front end: not too many, and no digits that no screen shows."""
    return [_columns(one, thin(one.steps, one.values, limit)) for one in series]


def _columns(series: Series, indices: Sequence[int]) -> dict[str, object]:
    values = (series.values[index] for index in indices)
    return {
        "tag": series.tag,
        "steps": [series.steps[index] for index in indices],
        "values": [None if value is None else float(f"{value:.6g}") for value in values],
    }
