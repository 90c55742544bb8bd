"""The trees of processes that wait for a job: which shapes are likely, and how many there may be.

A tree leaves after some minutes; another takes its place as long as its shape is likely. Where jobs
of a shape follow each other at once, two wait: one is taken while the other gets ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from aimass_jupyter.launch.ahead import Ahead, Shape
from aimass_jupyter.launch.launchers import available_engines
from aimass_jupyter.launch.order import JobOrder

MOST_SHAPES = 2
MOST_OF_ONE = 2
LIKELY_SECONDS = 3600.0
REPEATS_SECONDS = 60.0
_FIRST_STEP_SECONDS = 0.06  # the ranks of a job that begins have the processors to themselves


class AheadTrees:
    """The trees of one launcher, those for the newest shape last.

    Parameters
    ----------
    begin
        Forks a tree for a shape.
    """

    def __init__(self, begin: Callable[[Shape], Ahead]) -> None:
        self._begin = begin
        self._waiting: dict[Shape, list[Ahead]] = {}  # of each shape the oldest tree first
        self._likely_until: dict[Shape, float] = {}
        self._asked: tuple[Shape | None, float] = None, 0.0
        self._repeated: Shape | None = None
        self._prepare_at: tuple[Shape, float] | None = None
        self._missing = available_engines()  # where the environment changes, so does the launcher

    @property
    def seconds_left(self) -> float | None:
        """When they must be looked at; None while there is no need."""
        left = [tree.seconds_left for trees in self._waiting.values() for tree in trees]
        if self._prepare_at:
            left.append(self._prepare_at[1] - time.monotonic())
        return max(0.0, min(left)) if left else None

    def prepare(self, shape: Shape) -> None:
        """Have ranks of a shape wait for a job; those of the oldest shape make room for them."""
        if self._missing.get(shape.engine, "unknown"):
            return
        self._likely_until[shape] = time.monotonic() + LIKELY_SECONDS
        if shape != self._repeated:
            self._repeated = self._prepare_at = None
        self._top_up(shape, self._waiting.pop(shape, []))
        while len(self._waiting) > MOST_SHAPES:
            _dismiss(self._waiting.pop(next(iter(self._waiting))))

    def look(self, *, likely: bool) -> None:
        """Replace those that are about to leave, where a job of their shape is likely still, and
        those that were taken, where one follows the other.
        """
        for shape, trees in list(self._waiting.items()):
            if all(tree.fresh for tree in trees):
                continue
            if likely and time.monotonic() < self._likely_until[shape]:
                self._top_up(shape, trees)
            else:
                _dismiss(self._waiting.pop(shape))
        if self._prepare_at and time.monotonic() >= self._prepare_at[1]:
            shape, self._prepare_at = self._prepare_at[0], None
            if likely:
                self.prepare(shape)

    def _top_up(self, shape: Shape, trees: list[Ahead]) -> None:
        """Have those wait that will still be there in a moment, and one more where it is wanted."""
        fresh = [tree for tree in trees if tree.fresh]
        _dismiss(tree for tree in trees if tree not in fresh)
        if len(fresh) < (MOST_OF_ONE if shape == self._repeated else 1):
            fresh.append(self._begin(shape))
        self._waiting[shape] = fresh

    def give(self, work: JobOrder, folder: Path) -> bool:
        """Whether somebody waited for just such a job, and has it now."""
        shape = Shape(work.engine, work.np)
        if self._missing.get(work.engine, "unknown") or not shape.suits(work):
            return False
        self._note_asked(shape)
        trees = self._waiting.pop(shape, [])
        given = False
        while trees and not given:
            given = _given(trees.pop(0), folder)
        if trees:
            self._waiting[shape] = trees
        return given

    def _note_asked(self, shape: Shape) -> None:
        """Where a shape repeats, more get ready while the job runs, and not only when it ended."""
        before, at = self._asked
        now = time.monotonic()
        self._asked = shape, now
        repeats = before == shape and now - at < REPEATS_SECONDS
        self._repeated = shape if repeats else None
        if repeats:
            self._prepare_at = shape, now + _FIRST_STEP_SECONDS


def _given(tree: Ahead, folder: Path) -> bool:
    """Have a tree take a folder; False when it is gone, or about to leave."""
    if tree.fresh:
        return tree.give(folder)
    tree.dismiss()
    return False


def _dismiss(trees: Iterable[Ahead]) -> None:
    for tree in trees:
        tree.dismiss()
