"""Averages of the weights over the steps of a run, to evaluate and export in their place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Average:
    """An exponential moving average (Polyak and Juditsky, 1992), or none when the decay is 0.

    The decay is small at first, so that the average soon forgets the weights that nobody trained.

    Attributes
    ----------
    state
        What a checkpoint needs of it.
    """

    def __init__(self, decay: float, values: Tensor) -> None:
        self._decay = decay
        self._values = values
        self.state: dict[str, Tensor] = {}
        if decay:
            self.state = {"mean": values.clone(), "steps": torch.zeros((), dtype=torch.int64)}

    def follow(self) -> None:
        """Take a step of the weights into account."""
        if not self._decay:
            return
        steps = self.state["steps"]
        steps += 1
        decay = min(self._decay, (1 + int(steps)) / (10 + int(steps)))
        self.state["mean"].lerp_(self._values, 1 - decay)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the network have the average as its weights for a while."""
        if not self._decay:
            yield
            return
        trained = self._values.clone()
        self._values.copy_(self.state["mean"])
        try:
            yield
        finally:
            self._values.copy_(trained)

    def settle(self) -> None:
        """Leave the network with the average as its weights."""
        if self._decay:
            self._values.copy_(self.state["mean"])
