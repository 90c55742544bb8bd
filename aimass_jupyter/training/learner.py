"""A learner: a network in training, and all that changes with it from step to step.

It joins the parts that the hyperparameters ask for, each a small object of a module of its own;
one that is not asked for does nothing and costs nothing. It knows no rows and writes no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from aimass_jupyter.algorithms import Task
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.averaging import Average
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.exchange import make_exchange
from aimass_jupyter.training.layout import lay_out
from aimass_jupyter.training.optimizer import Optimizer, make_optimizer
from aimass_jupyter.training.penalty import Clipping, Penalty
from aimass_jupyter.training.precision import Precision
from aimass_jupyter.training.rows import Part
from aimass_jupyter.training.schedule import Pace
from aimass_jupyter.training.stopping import Stopping
from aimass_jupyter.training.weights import Weights

Admits = Callable[[Tensor, Tensor, Tensor], bool]


class Learner:
    """A network and what trains it.

    Attributes
    ----------
    state
        All that training changes, by name; the tensors themselves, not copies.
    """

    def __init__(self, params: Hyperparameters, network: nn.Sequential, engine: Engine) -> None:
        lay_out(network, params.layout, engine.device)
        self.network = network
        self.weights = Weights(network)
        self.optimizer = make_optimizer(params, self.weights.values)
        self.exchange = make_exchange(params, self.weights, self.optimizer, engine)
        self.penalty = Penalty(params, network, self.weights.values)
        self.clipping = Clipping(params)
        self.precision = Precision(params, engine.device)
        self.average = Average(params.ema, self.weights.values)
        self.stopping = Stopping(params, network.state_dict())
        self._pieces = params.accumulate
        self.state = state_of(
            network,
            self.optimizer,
            average=self.average.state,
            precision=self.precision.state,
            best=self.stopping.state,
        )

    def learn(self, task: Task, batch: Part, pace: Pace, admits: Admits) -> Tensor:
        """Take a step on this rank's part of a batch; return the mean loss over all ranks' rows.

        ``admits`` is asked with this rank's loss, the mean one, and the gradients.
        """
        loss = self.backward(task, batch)
        mean = self.exchange.average(loss, len(batch))
        sound = not self.precision.overflowed(self.weights.gradients, mean)
        if sound and admits(loss, mean, self.weights.gradients):
            self.update(pace)
        return mean

    def backward(self, task: Task, batch: Part) -> Tensor:
        """Put the gradients of a batch's summed loss into the weights; return that loss."""
        self.weights.clear_gradients(self.exchange.divisor(len(batch)))
        total = torch.zeros((), device=batch.targets.device)
        for piece in batch.pieces(self._pieces):
            with self.precision.computing():
                outputs = self.network(piece.inputs)
            loss = task.loss(outputs.float(), piece.targets, piece.weights)
            self.precision.scaled(loss).backward()
            total = total + loss.detach()
        return total

    def update(self, pace: Pace) -> None:
        """Move the weights by their gradients."""
        values, gradients = self.weights.values, self.weights.gradients
        self.penalty.pull(values, gradients)
        self.clipping.limit(gradients)
        self.exchange.step(pace.rate, pace.momentum)
        self.penalty.shrink(values, self.optimizer, pace)
        self.average.follow()

    def settle(self) -> None:
        """Leave the network with the weights that it shall predict with."""
        self.average.settle()
        self.stopping.bring_back(self.network.state_dict())
        if self.stopping.over:
            print("it stopped early: the weights of its best epoch are the model")


def state_of(
    network: nn.Module, optimizer: Optimizer, **parts: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Name every tensor that training changes after the part that it belongs to."""
    parts = {"network": network.state_dict(), "optimizer": optimizer.state} | parts
    return {f"{part}.{name}": held[name] for part, held in parts.items() for name in held}
