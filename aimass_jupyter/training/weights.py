"""Weights: the parameters of a network as one vector, and their gradients as another.

Each parameter becomes a view of its stretch. So summing gradients over ranks is one collective
whatever the network, and a step of the optimizer is one operation.
"""

from __future__ import annotations

import weakref

import torch
from torch import Tensor, nn

from aimass_jupyter.training.engine import Engine

LOSS, ROWS = -2, -1


class Weights:
    """The weights of a network.

    Attributes
    ----------
    values
        All parameters, float32, shape (n,).
    gradients
        Their gradients, of the same shape, as the optimizer wants them.
    sums
        Where backward leaves this rank's gradients: shape (n + 2,). The loss and the rows that it
        is of travel along.
    """

    def __init__(self, network: nn.Module) -> None:
        self._stretches: list[tuple[nn.Parameter, slice]] = []
        start = 0
        for parameter in network.parameters():
            stretch = slice(start, start + parameter.numel())
            self._stretches.append((parameter, stretch))
            start = stretch.stop
        device = self._stretches[0][0].device
        self.values = self.sums = self.gradients = torch.empty(0)
        self.keep_in(torch.empty(start, device=device))
        self.collect_in(torch.zeros(start + 2, device=device))
        self._views: list[Tensor]
        for number, (parameter, _) in enumerate(self._stretches):
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(_Collector(self, number))

    def pieces_of(self, vector: Tensor) -> list[Tensor]:
        """Cut a vector where one parameter ends and the next begins."""
        return [vector[stretch] for _, stretch in self._stretches]

    def of_gradients(self) -> list[Tensor]:
        """The gradients of each parameter, as the last step took them."""
        return self.pieces_of(self.gradients)

    def keep_in(self, values: Tensor) -> None:
        """Move the parameters into another vector."""
        for parameter, stretch in self._stretches:
            values[stretch] = parameter.detach().reshape(-1)
            parameter.data = values[stretch].view_as(parameter)
        self.values = values

    def collect_in(self, sums: Tensor, gradients: Tensor | None = None) -> None:
        """Collect what backward gives in another vector; by default the gradients are in it too."""
        self.sums = sums
        self.gradients = sums[:LOSS] if gradients is None else gradients
        self._views = [sums[stretch].view_as(of) for of, stretch in self._stretches]
        self._fresh = [True] * len(self._views)
        self.clear_gradients()

    def clear_gradients(self, divisor: int = 1) -> None:
        """Begin a step: what backward gives next replaces what is there, and is added to after.

        All of it is divided by ``divisor`` on its way.
        """
        self._fresh = [True] * len(self._views)
        self._divisor = divisor

    def collect(self, number: int, parameter: Tensor) -> None:
        """Take a gradient over while it is warm, instead of clearing all and adding to zeros."""
        given = parameter.grad
        parameter.grad = None
        if given is None:
            return
        if self._fresh[number]:
            torch.div(given, self._divisor, out=self._views[number])
            self._fresh[number] = False
        else:
            self._views[number].add_(given, alpha=1 / self._divisor)

    def close(self, loss: Tensor, rows: int) -> None:
        """End backward: parameters that it did not reach have no gradient."""
        for view, fresh in zip(self._views, self._fresh, strict=True):
            if fresh:
                view.zero_()
        self.sums[LOSS] = loss.detach()
        self.sums[ROWS] = rows

    def average(self, engine: Engine, loss: Tensor, rows: int) -> Tensor:
        """Turn this rank's summed gradients into the mean over the rows of all ranks.

        A rank may have fewer rows than another, or none: what is averaged is rows, not ranks.

        Returns
        -------
        Tensor
            The mean loss over the same rows, a scalar on the device.
        """
        self.close(loss, rows)
        engine.add(self.sums)
        self.sums[:ROWS] /= self.sums[ROWS].clone()
        return self.sums[LOSS]


class _Collector:
    """The hook of one parameter. It does not keep the weights: what they share goes with them."""

    def __init__(self, weights: Weights, number: int) -> None:
        self._weights = weakref.ref(weights)
        self._number = number

    def __call__(self, parameter: Tensor) -> None:
        weights = self._weights()
        if weights is not None:
            weights.collect(self._number, parameter)
