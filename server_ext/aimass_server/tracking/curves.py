"""Points in memory, column-wise, and the cursors that give each point to a reader exactly once.

A cursor counts the points already given, file by file, so that it stays good when the server is
restarted and reads the files anew.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.job_course import Missing, Series
from aimass_jupyter.contract.runs import MetricSummary
from aimass_server.tracking.summaries import Point

if TYPE_CHECKING:
    from aimass_server.tracking.bulk import Stretch, Taken

_TAIL = 5  # files that a cursor counts one by one: more would make it too long
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Column:
    """The points of one curve in one file, and the place of each among that file's points."""

    places: array[int] = field(default_factory=lambda: array("q"))
    steps: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    lowest: float | None = None
    highest: float | None = None
    not_finite: int = 0
    _waiting: list[Stretch] = field(default_factory=list)

    def add(self, place: int, point: Point) -> None:
        """Add a point; stretches must not wait."""
        self.places.append(place)
        self.steps.append(point.step)
        self.times.append(point.time)
        self.values.append(point.value)
        if math.isfinite(point.value):
            self._widen(point.value, point.value)
        else:
            self.not_finite += 1

    def extend(self, stretch: Stretch, before: int) -> None:
        """Add the points of a stretch, whose places count from ``before``."""
        stretch.places += before
        self._waiting.append(stretch)
        lowest, highest, finite = stretch.extent()
        self.not_finite += len(stretch.values) - finite
        if finite:
            self._widen(lowest, highest)

    def settle(self) -> None:
        """Take stretches in that wait: all at once, so that the columns grow once."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for name in ("places", "steps", "times", "values"):
                content = b"".join(getattr(stretch, name).data for stretch in waiting)
                getattr(self, name).frombytes(content)

    def since(self, tag: str, place: int, max_points: int | None) -> Series:
        """The points from a place on; of many, those that draw the same curve."""
        start = bisect_left(self.places, place)
        if max_points is not None and len(self.places) - start > max_points:
            from aimass_server.tracking.thinning import thin  # NumPy, when it is needed

            kept = thin(self.steps, self.values, start, max_points)
            steps, times, values = (
                [column[index] for index in kept]
                for column in (self.steps, self.times, self.values)
            )
        else:
            steps, times, values = (
                list(column[start:]) for column in (self.steps, self.times, self.values)
            )
        return Series(
            tag=tag, steps=steps, times=times,
            values=[value if math.isfinite(value) else None for value in values],
            missing=[_name(value) for value in values if not math.isfinite(value)],
        )  # fmt: skip

    def point(self, tag: str, index: int) -> Point:
        """One of the points."""
        return Point(tag, self.steps[index], self.times[index], self.values[index])

    def summary(self) -> MetricSummary:
        """What is known of the curve without its points."""
        last = self.values[-1]
        return MetricSummary(
            last=last if math.isfinite(last) else None, lowest=self.lowest, highest=self.highest,
            step=self.steps[-1], points=len(self.values), not_finite=self.not_finite,
        )  # fmt: skip

    def _widen(self, low: float, high: float) -> None:
        self.lowest = low if self.lowest is None else min(self.lowest, low)
        self.highest = high if self.highest is None else max(self.highest, high)


class Points:
    """The points of one file, in the order in which they were written."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, point: Point) -> None:
        column = self.columns.setdefault(point.tag, Column())
        column.settle()
        column.add(self._count, point)
        self._count += 1

    def settle(self) -> None:
        """Make what was read ready to be asked for."""
        for column in self.columns.values():
            column.settle()

    def extend(self, taken: Taken) -> None:
        """Add the points of many records."""
        for stretch in taken.stretches:
            self.columns.setdefault(stretch.tag, Column()).extend(stretch, self._count)
        self._count += taken.points

    def since(self, place: int, max_points: int | None = None) -> Iterator[Series]:
        """The curves that have points from this place on."""
        for tag, column in self.columns.items():
            if column.places and column.places[-1] >= place:
                yield column.since(tag, place, max_points)


def _name(value: float) -> Missing:
    """What a value is that JSON cannot say."""
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def merged(summaries: Iterable[MetricSummary]) -> MetricSummary:
    """One summary of a curve that goes on over several files."""
    known = list(summaries)
    lows = [one.lowest for one in known if one.lowest is not None]
    highs = [one.highest for one in known if one.highest is not None]
    return MetricSummary(
        last=known[-1].last, lowest=min(lows, default=None), highest=max(highs, default=None),
        step=known[-1].step, points=sum(one.points for one in known),
        not_finite=sum(one.not_finite for one in known),
    )  # fmt: skip


def joined(stretches: Iterable[Series], max_points: int | None = None) -> list[Series]:
    """One series a tag, of stretches that follow each other; of many points, few enough.

    A stretch that begins within what came before is of a run that went on from a checkpoint, or
    began anew: what came before from that step on was done again.
    """
    curves: dict[str, Series] = {}
    for stretch in stretches:
        if before := curves.get(stretch.tag):
            _forget(before, stretch.steps[0])
            before.steps.extend(stretch.steps)
            before.times.extend(stretch.times)
            before.values.extend(stretch.values)
            before.missing.extend(stretch.missing)
        else:
            curves[stretch.tag] = stretch
    return [_few(curves[tag], max_points) for tag in sorted(curves)]


def _few(series: Series, max_points: int | None) -> Series:
    """A series that was thinned file by file, thinned as a whole."""
    if max_points is None or len(series.steps) <= max_points:
        return series
    from aimass_server.tracking.thinning import thin  # NumPy, when it is needed

    values = array("d", (math.nan if value is None else value for value in series.values))
    kept = thin(array("q", series.steps), values, 0, max_points)
    names = iter(series.missing)
    name_of = {at: next(names) for at, value in enumerate(series.values) if value is None}
    return Series(
        tag=series.tag, steps=[series.steps[at] for at in kept],
        times=[series.times[at] for at in kept], values=[series.values[at] for at in kept],
        missing=[name_of[at] for at in kept if at in name_of],
    )  # fmt: skip


def _forget(series: Series, step: int) -> None:
    """Drop the points from a step on; those that are all of step 0 tell of no step and stay."""
    if step > series.steps[-1] or series.steps[-1] == 0:
        return
    kept = bisect_left(series.steps, step)
    for column in (series.steps, series.times, series.values):
        del column[kept:]
    del series.missing[series.values.count(None) :]


def encode_cursor(counts: list[int]) -> str:
    """Points given so far, file by file.

    ``files*points.count.count``: the older files together (a file is not written to once it has
    several successors), then the newest ones each.
    """
    older, newest = counts[:-_TAIL], counts[-_TAIL:]
    parts = ([f"{_base36(len(older))}*{_base36(sum(older))}"] if older else []) + [
        _base36(count) for count in newest
    ]
    return ".".join(parts)


def decode_cursor(cursor: str, sizes: list[int]) -> list[int]:
    """How many points of each file the holder of a cursor has.

    Parameters
    ----------
    sizes
        Points of each file now.

    Raises
    ------
    InvalidRequest
        When the cursor is not one of ours.
    """
    try:
        older, counts = _parts(cursor)
    except ValueError:
        raise InvalidRequest(
            f"cursor '{cursor[:40]}' is not one of ours", "pass the cursor of the answer before"
        ) from None
    given = _spread(*older, sizes) + counts
    given += [0] * (len(sizes) - len(given))
    return [min(count, size) for count, size in zip(given, sizes, strict=False)]


def _parts(cursor: str) -> tuple[tuple[int, int], list[int]]:
    head, star, tail = cursor.partition("*")
    if not star:
        return (0, 0), [_whole(part) for part in cursor.split(".") if cursor]
    total, *counts = tail.split(".")
    return (_whole(head), _whole(total)), [_whole(part) for part in counts]


def _spread(files: int, points: int, sizes: list[int]) -> list[int]:
    """Give the points of the older files back to each of them, in their order."""
    counts = []
    for size in sizes[:files]:
        counts.append(min(size, points))
        points -= counts[-1]
    return counts


def _whole(text: str) -> int:
    if not text or not set(text) <= set(_DIGITS):
        raise ValueError(text)
    return int(text, 36)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
