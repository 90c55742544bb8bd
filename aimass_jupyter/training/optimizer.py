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


class Optimizer(Protocol):
    """An update rule with state."""

    state: dict[str, Tensor]

    def step(self, values: Tensor, gradients: Tensor, rate: float, momentum: float = 0.9) -> None:
        """Move ``values`` in place."""


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101)."""

    def __init__(self, like: Tensor, decay: float) -> None:
        self._decay = decay
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
            lr=rate,
            beta1=momentum,
            beta2=0.999,
            weight_decay=self._decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


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


def make_optimizer(params: Hyperparameters, like: Tensor) -> Optimizer:
    """Return the optimizer that the hyperparameters name."""
    rules: dict[str, type[AdamW | SGD]] = {"adamw": AdamW, "sgd": SGD}
    return rules[params.optimizer](like, params.weight_decay)
