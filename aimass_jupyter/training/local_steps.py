"""Local steps: each rank trains on its own rows and on its own weights, and seldom they meet.

Local SGD (Stich, arXiv:1805.09767): after so many steps the ranks average their weights, and here
the optimizer's state too, so that one checkpoint is the state of all. It is another optimization
than with a meeting at every step: what a step sees is one rank's share of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.host_group import HostGroup
from aimass_jupyter.training.optimizer import Optimizer
from aimass_jupyter.training.stripes import pieces_of, stripe_of
from aimass_jupyter.training.weights import Weights


class LocalSteps:
    """An exchange that averages weights every ``every`` steps, not gradients at each."""

    def __init__(
        self,
        every: int,
        weights: Weights,
        optimizer: Optimizer,
        engine: Engine,
        group: HostGroup | None,
    ) -> None:
        self._every = every
        self._weights = weights
        self._optimizer = optimizer
        self._engine = engine
        self._group = group
        self._shared: list[list[Tensor]] = []
        if group is not None:
            self._share(group)

    def divisor(self, rows: int) -> int:
        """A rank's own rows are all that its step is about."""
        return max(rows, 1)

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """Return the mean loss of this rank's own rows; of no rows, 0."""
        self._weights.close(loss, rows)
        return loss.detach() / max(rows, 1)

    def step(self, rate: float, momentum: float) -> None:
        """Move this rank's weights."""
        self._optimizer.step(self._weights.values, self._weights.gradients, rate, momentum)

    def settle(self, done: int, *, last: bool) -> bool:
        """Average, when it is time to."""
        if done % self._every and not last:
            return False
        if self._group is None:
            self._average_by_engine()
        else:
            self._average_in_memory(self._group)
        return True

    def _share(self, group: HostGroup) -> None:
        """Keep weights and state where all ranks see them, each rank's apart."""
        count, state = len(self._weights.values), self._optimizer.state
        names = [name for name, kept in state.items() if kept.shape == (count,)]
        for name in [None, *names]:
            slots = group.share(self._engine, [count] * group.size)
            own = slots[group.rank]
            if name is None:
                self._weights.keep_in(own)
            else:
                state[name] = own.copy_(state[name])
            self._shared.append(slots)

    def _average_by_engine(self) -> None:
        count = len(self._weights.values)
        kept = [vector for vector in self._optimizer.state.values() if vector.shape == (count,)]
        for vector in [self._weights.values, *kept]:
            self._engine.add(vector)
            vector /= self._engine.place.size

    def _average_in_memory(self, group: HostGroup) -> None:
        """Each rank works its stripe out and hands it to all."""
        stripe = stripe_of(len(self._weights.values), group.rank, group.size)
        group.barrier("sum of weights")
        for slots in self._shared:
            for piece in pieces_of(stripe):
                mean = torch.stack([slot[piece] for slot in slots]).mean(dim=0)
                for slot in slots:
                    slot[piece] = mean
        group.barrier("mean of weights")
