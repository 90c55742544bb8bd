"""Optimizers: rules that move one vector of weights along its gradient.

They do what torch's own do (the tests hold them against each other), on the one vector that
:class:`~aimass_jupyter.training.weights.Weights` keeps. Torch's would load its compiler first,
which costs a short job more time than its training.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from aimass_jupyter.contract.hyperparameters import Hyperparameters

_SECOND_BETA = 0.999
_EPSILON = 1e-8


class Optimizer(Protocol):
    """An update rule with state."""

    state: dict[str, Tensor]

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place."""

    def learn_apart(self, ranks: int) -> None:
        """Steps are about one rank's share of a batch from now on, and not about all of it."""

    def reach(self, rate: float, momentum: float) -> Tensor | float:
        """How far a step moves each value in the end, for each unit of its gradient."""


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101)."""

    def __init__(self, like: Tensor, decay: float) -> None:
        self._decay = decay
        self._gain = 1.0
        self.state = {
            "mean": torch.zeros_like(like),
            "square": torch.zeros_like(like),
            "steps": torch.zeros((), dtype=torch.int64),
        }

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place, reading and writing each number once."""
        steps = self.state["steps"]
        steps += 1
        torch._fused_adamw_(  # what torch.optim.AdamW(fused=True) calls
            [values],
            [gradients],
            [self.state["mean"]],
            [self.state["square"]],
            [],
            [torch.full((), float(steps), device=values.device)],
            lr=rate * self._gain,
            beta1=momentum,
            beta2=_SECOND_BETA,
            weight_decay=self._decay / self._gain,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def learn_apart(self, ranks: int) -> None:
        """Go as far as with whole batches.

        A step is a gradient over its own noise, which is that of fewer rows now: steps would be
        shorter by the root of how many fewer (Malladi and others, arXiv:2205.10287).
        """
        self._gain = ranks**0.5

    def reach(self, rate: float, momentum: float) -> Tensor:
        """It is farther where gradients have been small."""
        steps = int(self.state["steps"])
        rate *= self._gain
        return rate / ((self.state["square"] / (1 - _SECOND_BETA**steps)).sqrt() + _EPSILON)


class SGD:
    """Gradient descent with momentum and decoupled weight decay."""

    def __init__(self, like: Tensor, decay: float) -> None:
        self._decay = decay
        self.state = {"velocity": torch.zeros_like(like)}

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place."""
        if self._decay:
            values.mul_(1 - rate * self._decay)
        torch._fused_sgd_(  # what torch.optim.SGD(fused=True) calls
            [values],
            [gradients],
            [self.state["velocity"]],
            weight_decay=0.0,
            momentum=momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )

    def learn_apart(self, ranks: int) -> None:
        """A step is as far as its gradient says, whoever's rows it is about."""

    def reach(self, rate: float, momentum: float) -> float:
        """Momentum carries on what a step began."""
        return rate / (1 - momentum)


def make_optimizer(params: Hyperparameters, like: Tensor) -> Optimizer:
    """Return the optimizer that the hyperparameters name."""
    rules: dict[str, type[AdamW | SGD]] = {"adamw": AdamW, "sgd": SGD}
    return rules[params.optimizer](like, params.weight_decay)
