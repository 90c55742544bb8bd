"""Local steps: each rank trains on its own rows and on its own weights, and seldom they meet.

Local SGD (Stich, arXiv:1805.09767): after so many steps the ranks average their weights. At some of
these meetings, and at the end of an epoch, they average the optimizer's state too: then one
checkpoint is the state of all. It is another optimization than with a meeting at every step: what a
step sees is one rank's share of the batch.
"""

from __future__ import annotations

from torch import Tensor

from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.host_group import HostGroup
from aimass_jupyter.training.optimizer import Optimizer
from aimass_jupyter.training.stripes import pieces_of, stripe_of
from aimass_jupyter.training.weights import Weights

WHOLE_EVERY = 4  # meetings: the state is twice the weights, and changes what is learnt little


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
        optimizer.learn_apart(engine.place.size)
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
        whole = last or done % (self._every * WHOLE_EVERY) == 0
        if self._group is None:
            self._average_by_engine(whole=whole)
        else:
            self._average_in_memory(self._group, whole=whole)
        return whole

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

    def _average_by_engine(self, *, whole: bool) -> None:
        count = len(self._weights.values)
        kept = [vector for vector in self._optimizer.state.values() if vector.shape == (count,)]
        for vector in [self._weights.values, *kept] if whole else [self._weights.values]:
            self._engine.add(vector)
            vector /= self._engine.place.size

    def _average_in_memory(self, group: HostGroup, *, whole: bool) -> None:
        """Each rank works its stripe out and hands it to all."""
        stripe = stripe_of(len(self._weights.values), group.rank, group.size)
        group.barrier("sum of weights")
        for slots in self._shared if whole else self._shared[:1]:
            for piece in pieces_of(stripe):
                first, *others = (slot[piece] for slot in slots)
                for other in others:
                    first += other
                first /= group.size
                for other in others:
                    other.copy_(first)
        group.barrier("mean of weights")
