"""What a rank holds of the fit that it is in: enough to go on from when other ranks are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from aimass_jupyter.host import beat
from aimass_jupyter.training.checkpoint import Checkpoint, Checkpoints

Point = tuple[Tensor, float]  # mean loss, learning rate


class Live(Protocol):
    """Follows the steps of a job's fits.

    Attributes
    ----------
    in_memory
        Whether others may go on from a step that no checkpoint was made of.
    """

    in_memory: bool

    def newest(self, fit: int, checkpoints: Checkpoints) -> Checkpoint | None:
        """The newest state of a fit; None when it has not begun."""

    def hold(self, fit: int, take: Callable[[int], Checkpoint], done: int) -> None:
        """A fit begins, with so many steps done; ``take`` gives its state after ``done`` steps."""

    def step(self, before: int, done: int, point: Point) -> None:
        """A step has ended; the curves show so many steps before this fit, and ``point`` of it."""

    def point_of(self, step: int) -> Point | None:
        """What the curves show of a step that they may lack: whoever was to show it is gone."""


class OnDisk:
    """When ranks are lost this process ends, and the next one goes on from a checkpoint."""

    in_memory = False

    def newest(self, fit: int, checkpoints: Checkpoints) -> Checkpoint | None:
        """Read it."""
        return checkpoints.newest()

    def hold(self, fit: int, take: Callable[[int], Checkpoint], done: int) -> None:
        """Nothing is held."""

    def step(self, before: int, done: int, point: Point) -> None:
        """Beat."""
        beat(before + done)

    def point_of(self, step: int) -> Point | None:
        """Every one that led to a checkpoint was written before it."""
        return None


class InMemory:
    """This process goes on by itself: weights change only when all ranks have done a step.

    So what rank 0 holds when a collective fails is the state after the last whole step.
    """

    in_memory = True

    def __init__(self) -> None:
        self._fit = -1
        self._done = 0
        self._take: Callable[[int], Checkpoint] | None = None
        self._left: Checkpoint | None = None
        self._point: tuple[int, Point] | None = None

    def leave(self) -> None:
        """The fit was cut off: take its state before anything else changes it."""
        if self._take is not None:
            self._left, self._take = self._take(self._done), None

    def newest(self, fit: int, checkpoints: Checkpoints) -> Checkpoint | None:
        """The state that was left, or what was written of a fit before it."""
        return self._left if self._left and fit == self._fit else checkpoints.newest()

    def hold(self, fit: int, take: Callable[[int], Checkpoint], done: int) -> None:
        """Remember how to take the state."""
        self._fit, self._take, self._done, self._left = fit, take, done, None

    def step(self, before: int, done: int, point: Point) -> None:
        """Beat, and remember how far it is."""
        beat(before + done)
        self._done = done
        self._point = before + done - 1, (point[0].clone(), point[1])

    def point_of(self, step: int) -> Point | None:
        """That of the last step."""
        return self._point[1] if self._point and self._point[0] == step else None
