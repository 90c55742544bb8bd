"""Optimizers: rules that move one vector of weights along its gradient.

They do what torch's own do (the tests hold them against each other), on the one vector that
:class:`~aimass_jupyter.training.weights.Weights` keeps. Torch's would load its compiler first,
which costs a short job more time than its training.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from aimass_jupyter.contract.hyperparameters import Hyperparameters


class Optimizer(Protocol):
    """An update rule with state."""

    state: dict[str, Tensor]

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place."""


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101)."""

    def __init__(self, like: Tensor, decay: float) -> None:
        self._decay = decay
        self._second = 0.999
        self._epsilon = 1e-8
        self.state = {
            "mean": torch.zeros_like(like),
            "square": torch.zeros_like(like),
            "steps": torch.zeros((), dtype=torch.int64),
        }

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place."""
        mean, square, steps = self.state["mean"], self.state["square"], self.state["steps"]
        steps += 1
        first, second = momentum, self._second
        values.mul_(1 - rate * self._decay)
        mean.lerp_(gradients, 1 - first)
        square.mul_(second).addcmul_(gradients, gradients, value=1 - second)
        scale = math.sqrt(1 - second ** int(steps))
        spread = square.sqrt().div_(scale).add_(self._epsilon)
        values.addcdiv_(mean, spread, value=-rate / (1 - first ** int(steps)))


class SGD:
    """Gradient descent with momentum and decoupled weight decay."""

    def __init__(self, like: Tensor, decay: float) -> None:
        self._decay = decay
        self.state = {"velocity": torch.zeros_like(like)}

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place."""
        velocity = self.state["velocity"].mul_(momentum).add_(gradients)
        values.mul_(1 - rate * self._decay).add_(velocity, alpha=-rate)


def make_optimizer(params: Hyperparameters, like: Tensor) -> Optimizer:
    """Return the optimizer that the hyperparameters name."""
    rules: dict[str, type[AdamW | SGD]] = {"adamw": AdamW, "sgd": SGD}
    return rules[params.optimizer](like, params.weight_decay)
