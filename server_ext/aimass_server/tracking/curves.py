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

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Series
from aimass_server.tracking.summaries import Point

_TAIL = 5  # files that a cursor counts one by one: more would make it too long
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Column:
    """The points of one curve in one file, and the place of each among that file's points."""

    places: array[int] = field(default_factory=lambda: array("q"))
    steps: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, place: int, point: Point) -> None:
        self.places.append(place)
        self.steps.append(point.step)
        self.times.append(point.time)
        self.values.append(point.value)

    def since(self, tag: str, place: int) -> Series:
        """The points from a place on; NaN and infinity, which JSON cannot say, become None."""
        start = bisect_left(self.places, place)
        values = (value if math.isfinite(value) else None for value in self.values[start:])
        return Series(
            tag=tag, steps=list(self.steps[start:]), times=list(self.times[start:]),
            values=list(values),
        )  # fmt: skip


class Points:
    """The points of one file, in the order in which they were written."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, point: Point) -> None:
        self._columns.setdefault(point.tag, Column()).add(self._count, point)
        self._count += 1

    def since(self, place: int) -> Iterator[Series]:
        """The curves that have points from this place on."""
        for tag, column in self._columns.items():
            series = column.since(tag, place)
            if series.steps:
                yield series


def joined(stretches: Iterable[Series]) -> list[Series]:
    """One series a tag, of stretches that follow each other."""
    curves: dict[str, Series] = {}
    for stretch in stretches:
        if before := curves.get(stretch.tag):
            before.steps.extend(stretch.steps)
            before.times.extend(stretch.times)
            before.values.extend(stretch.values)
        else:
            curves[stretch.tag] = stretch
    return [curves[tag] for tag in sorted(curves)]


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
