"""Exchanges: how what the ranks learn from their rows of a step becomes one step of the weights.

Through the engine's collectives, wherever the ranks are; through memory that the ranks of one host
share; or seldom, each rank on its own for some steps. The loop does not know which.
"""

from __future__ import annotations

import copy
from typing import Protocol

import torch
from torch import Tensor

from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.host_group import HostGroup
from aimass_jupyter.training.local_steps import LocalSteps
from aimass_jupyter.training.optimizer import Optimizer
from aimass_jupyter.training.sending import SentSums, travels_in_pieces
from aimass_jupyter.training.stripes import pieces_of, stripe_of
from aimass_jupyter.training.weights import LOSS, ROWS, Weights

# With these alone, nothing but the optimizer changes gradients or weights: any other that is not
# at its default has the ranks keep weights of their own.
_HARMLESS = frozenset(
    """
    epochs batch_size learning_rate optimizer architecture hidden layers dropout weight_decay
    momentum accumulate schedule warm_up last_rate decay_every decay_factor rise rotation scaling
    shear shift flip colour noise feature_dropout mixup validation_fraction checkpoint_every
    label_smoothing class_weights local_steps layout
    """.split()
)


class Exchange(Protocol):
    """What the loop asks for around backward. All calls are collective."""

    def divisor(self, rows: int) -> int:
        """What the gradients of a batch are to be divided by as they come, for ``average``."""

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """Make the weights' gradients those of all ranks' rows; return the mean loss of these."""

    def step(self, rate: float, momentum: float) -> None:
        """Move the weights by their gradients."""

    def settle(self, done: int, *, last: bool) -> bool:
        """End step ``done``; whether all ranks have the same weights. ``last``: they must."""


class EngineSums:
    """Gradients are summed by the engine; each rank moves weights of its own."""

    def __init__(self, weights: Weights, optimizer: Optimizer, engine: Engine) -> None:
        self._weights = weights
        self._optimizer = optimizer
        self._engine = engine

    def divisor(self, rows: int) -> int:
        """Nobody knows yet how many rows all ranks have."""
        return 1

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """Sum, then divide."""
        return self._weights.average(self._engine, loss, rows)

    def step(self, rate: float, momentum: float) -> None:
        """Do the same on every rank."""
        self._optimizer.step(self._weights.values, self._weights.gradients, rate, momentum)

    def settle(self, done: int, *, last: bool) -> bool:
        """They have the same: each did the same."""
        return True


class Alone(EngineSums):
    """One rank: its rows are all there are, and nothing travels."""

    def divisor(self, rows: int) -> int:
        """Gradients come as they are wanted."""
        return rows

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """They are the mean already."""
        self._weights.close(loss, rows)
        return loss.detach() / rows


class SharedSums:
    """Gradients are summed in shared memory, a stripe a rank; each rank moves its own weights."""

    def __init__(
        self, weights: Weights, optimizer: Optimizer, engine: Engine, group: HostGroup
    ) -> None:
        count = len(weights.values)
        *slots, means = group.share(engine, [count + 2] * group.size + [count])
        self._weights = weights
        self._optimizer = optimizer
        self._group = group
        self._slots = slots
        self._means = means
        self._stripe = stripe_of(count, group.rank, group.size)
        weights.collect_in(slots[group.rank], torch.zeros(count))

    def divisor(self, rows: int) -> int:
        """Nobody knows yet how many rows all ranks have."""
        return 1

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """Sum, divide, and take a copy that may be changed."""
        mean = self._reduce(loss, rows)
        self._weights.gradients.copy_(self._means)
        return mean

    def step(self, rate: float, momentum: float) -> None:
        """Do the same on every rank."""
        self._optimizer.step(self._weights.values, self._weights.gradients, rate, momentum)

    def settle(self, done: int, *, last: bool) -> bool:
        """They have the same: each did the same."""
        return True

    def _reduce(self, loss: Tensor, rows: int) -> Tensor:
        """Leave the mean gradients where all see them; summed in the order of ranks, always."""
        self._weights.close(loss, rows)
        self._group.barrier("sum of gradients")
        all_rows = sum(float(slot[ROWS]) for slot in self._slots)
        mean = torch.stack([slot[LOSS] for slot in self._slots]).sum() / all_rows
        for piece in pieces_of(self._stripe):
            sums = torch.add(self._slots[0][piece], self._slots[1][piece], out=self._means[piece])
            for slot in self._slots[2:]:
                sums += slot[piece]
            sums /= all_rows
        self._group.barrier("mean of gradients")
        return mean


class SharedWeights(SharedSums):
    """Weights and the optimizer's state are shared as well: each rank moves its stripe of them.

    The work of the optimizer is so shared out among the ranks, and there is one copy of all.
    Nothing else may change gradients or weights: all ranks would change the same ones.
    """

    def __init__(
        self, weights: Weights, optimizer: Optimizer, engine: Engine, group: HostGroup
    ) -> None:
        super().__init__(weights, optimizer, engine, group)
        count = len(self._means)
        names = [name for name, kept in optimizer.state.items() if kept.shape == self._means.shape]
        values, *vectors = group.share(engine, [count] * (1 + len(names)))
        for name, vector in zip(names, vectors, strict=True):
            optimizer.state[name] = vector.copy_(optimizer.state[name])
        weights.keep_in(values)
        weights.gradients = self._means
        self._part = _part_of(optimizer, self._stripe, names)
        group.barrier("sharing of weights")

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """Sum, then divide."""
        return self._reduce(loss, rows)

    def step(self, rate: float, momentum: float) -> None:
        """Move the stripe, and wait for the others'."""
        values, gradients = self._weights.values, self._weights.gradients
        self._part.step(values[self._stripe], gradients[self._stripe], rate, momentum)
        self._group.barrier("step of the weights")


def make_exchange(
    params: Hyperparameters, weights: Weights, optimizer: Optimizer, engine: Engine
) -> Exchange:
    """Choose for these hyperparameters and these ranks; a collective call."""
    group = engine.group if params.collectives == "auto" else None
    if params.local_steps > 1 and engine.place.size > 1:
        return LocalSteps(params.local_steps, weights, optimizer, engine, group)
    if params.compression != "none" or travels_in_pieces(params):
        return SentSums(params, weights, optimizer, engine)
    if engine.place.size == 1:
        return Alone(weights, optimizer, engine)
    if group is None:
        return EngineSums(weights, optimizer, engine)
    kind = SharedWeights if _only_optimizer(params) else SharedSums
    return kind(weights, optimizer, engine, group)


def _only_optimizer(params: Hyperparameters) -> bool:
    """Whether the optimizer alone changes gradients and weights."""
    changed = params.model_dump(exclude_defaults=True).keys()
    return changed <= (_HARMLESS if params.precision == "fp16" else _HARMLESS | {"precision"})


def _part_of(optimizer: Optimizer, stripe: slice, names: list[str]) -> Optimizer:
    """The same rule over the stripe: its state is a view into the whole one's."""
    part = copy.copy(optimizer)
    part.state = optimizer.state | {name: optimizer.state[name][stripe] for name in names}
    return part
