"""The trees of processes that wait for a job: which shapes are likely, and how many there may be.

A tree leaves after some minutes; another takes its place as long as its shape is likely.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from aimass_jupyter.launch.ahead import Ahead, Shape
from aimass_jupyter.launch.launchers import available_engines
from aimass_jupyter.launch.order import JobOrder

MOST_TREES = 2
LIKELY_SECONDS = 3600.0


class AheadTrees:
    """The trees of one launcher, that for the newest shape last.

    Parameters
    ----------
    begin
        Forks a tree for a shape.
    """

    def __init__(self, begin: Callable[[Shape], Ahead]) -> None:
        self._begin = begin
        self._trees: dict[Shape, Ahead] = {}
        self._likely_until: dict[Shape, float] = {}

    @property
    def seconds_left(self) -> float | None:
        """When the first of them must be looked at; None without one."""
        left = [tree.seconds_left for tree in self._trees.values()]
        return max(0.0, min(left)) if left else None

    def prepare(self, shape: Shape) -> None:
        """Have ranks of a shape wait for a job; those of the oldest shape make room for them."""
        if available_engines().get(shape.engine, "unknown"):
            return
        self._likely_until[shape] = time.monotonic() + LIKELY_SECONDS
        tree = self._trees.pop(shape, None)
        self._trees[shape] = tree if tree and tree.fresh else self._again(shape, tree)
        while len(self._trees) > MOST_TREES:
            self._trees.pop(next(iter(self._trees))).dismiss()

    def renew(self, *, likely: bool) -> None:
        """Replace those that are about to leave, where a job of their shape is likely still."""
        for shape, tree in list(self._trees.items()):
            if tree.fresh:
                continue
            if likely and time.monotonic() < self._likely_until[shape]:
                self._trees[shape] = self._again(shape, tree)
            else:
                self._trees.pop(shape).dismiss()

    def _again(self, shape: Shape, before: Ahead | None) -> Ahead:
        if before:
            before.dismiss()
        return self._begin(shape)

    def give(self, work: JobOrder, folder: Path) -> bool:
        """Whether somebody waited for just such a job, and has it now."""
        for shape, tree in self._trees.items():
            if tree.fresh and shape.suits(work):
                del self._trees[shape]
                return tree.give(folder)
        return False
