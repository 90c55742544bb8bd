"""Schedules: the learning rate and the momentum of every step. They follow from the step alone."""

from __future__ import annotations

import math
from typing import NamedTuple

from aimass_jupyter.contract.hyperparameters import Hyperparameters

_FIRST_SHARE = 1 / 25  # of the highest rate, where a one-cycle begins
_SWING = 0.05  # of the momentum, up and down in a one-cycle


class Pace(NamedTuple):
    """How a step is taken."""

    rate: float
    momentum: float


class Schedule:
    """The pace of each step of a run.

    Parameters
    ----------
    epoch_steps
        Steps of an epoch.
    """

    def __init__(self, params: Hyperparameters, epoch_steps: int) -> None:
        self._params = params
        self._epoch_steps = epoch_steps
        self._steps = params.epochs * epoch_steps
        share = params.warm_up
        self._warm_up = round(share) if share >= 1 else math.ceil(share * self._steps - 0.5)
        if share > 0:
            self._warm_up = max(1, self._warm_up)

    def at(self, step: int) -> Pace:
        """Return the pace of a step; steps count from 0."""
        params = self._params
        if params.schedule == "one-cycle":
            return self._one_cycle(step)
        if step < self._warm_up:
            return Pace(params.learning_rate * (step + 1) / self._warm_up, params.momentum)
        return Pace(params.learning_rate * self._share(step), params.momentum)

    def _share(self, step: int) -> float:
        """The share of the highest rate, once warm."""
        params = self._params
        if params.schedule == "step":
            epoch = step // self._epoch_steps
            return float(params.decay_factor ** (epoch // params.decay_every))
        if params.schedule == "cosine":
            left = max(1, self._steps - self._warm_up)
            return _between(1.0, params.last_rate, (step - self._warm_up) / left)
        return 1.0

    def _one_cycle(self, step: int) -> Pace:
        """Smith's policy (arXiv:1803.09820): rate up while momentum falls, then both back."""
        params = self._params
        top = max(1e-9, params.rise * self._steps - 1)
        end = max(top + 1e-9, self._steps - 1)
        low, high = (_within(params.momentum + swing) for swing in (-_SWING, _SWING))
        if step <= top:
            share = _between(_FIRST_SHARE, 1.0, step / top)
            return Pace(params.learning_rate * share, _between(high, low, step / top))
        done = min(1.0, (step - top) / (end - top))
        share = _between(1.0, params.last_rate, done)
        return Pace(params.learning_rate * share, _between(low, high, done))


def _between(first: float, last: float, done: float) -> float:
    """Half a cosine from one value to another."""
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2


def _within(momentum: float) -> float:
    return min(0.999, max(0.0, momentum))
