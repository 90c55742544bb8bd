"""Weights: the parameters of a network as one vector, and their gradients as another.

Each parameter becomes a view of its stretch. So summing gradients over ranks is one collective
whatever the network, and a step of the optimizer is a handful of vector operations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aimass_jupyter.training.engine import Engine

_LOSS, _ROWS = -2, -1


class Weights:
    """The weights of a network.

    Attributes
    ----------
    values
        All parameters, float32, shape (n,).
    gradients
        Their gradients, of the same shape.
    """

    def __init__(self, network: nn.Module) -> None:
        parameters = list(network.parameters())
        count = sum(parameter.numel() for parameter in parameters)
        device = parameters[0].device
        self.values = torch.empty(count, device=device)
        self._sums = torch.zeros(count + 2, device=device)  # the loss and the rows travel along
        self.gradients = self._sums[:_LOSS]
        start = 0
        for parameter in parameters:
            stretch = slice(start, start + parameter.numel())
            self.values[stretch] = parameter.detach().reshape(-1)
            parameter.data = self.values[stretch].view_as(parameter)
            parameter.grad = self.gradients[stretch].view_as(parameter)
            start = stretch.stop

    def clear_gradients(self) -> None:
        """Set the gradients to zero; backward adds to them."""
        self._sums.zero_()

    def average(self, engine: Engine, loss: Tensor, rows: int) -> Tensor:
        """Turn this rank's summed gradients into the mean over the rows of all ranks.

        A rank may have fewer rows than another, or none: what is averaged is rows, not ranks.

        Returns
        -------
        Tensor
            The mean loss over the same rows, a scalar on the device.
        """
        self._sums[_LOSS] = loss.detach()
        self._sums[_ROWS] = rows
        engine.add(self._sums)
        self._sums[:_ROWS] /= self._sums[_ROWS].clone()
        return self._sums[_LOSS]
