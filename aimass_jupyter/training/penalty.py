"""Penalties and limits: what is done to gradients and weights so that a network stays small."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.optimizer import Optimizer
from aimass_jupyter.training.schedule import Pace


class Penalty:
    """L1 and L2 on the weights of layers, not on biases; both together are the elastic net.

    L2 is a part of the gradient. L1 is a proximal step after the optimizer's own (soft
    thresholding; Parikh and Boyd, Proximal Algorithms, 2014, section 6.5.2), which makes weights
    exactly zero where a subgradient would only let them tremble around it. Each weight is moved as
    far as the optimizer would move it for that gradient, so that what is found is the least of loss
    and penalty whatever the optimizer.

    Parameters
    ----------
    values
        All parameters of the network as one vector; they are views of it.
    """

    def __init__(self, params: Hyperparameters, network: nn.Module, values: Tensor) -> None:
        self._l1, self._l2 = params.l1, params.l2
        self._mask = _weights_of_layers(network, values) if self._l1 or self._l2 else None

    def pull(self, values: Tensor, gradients: Tensor) -> None:
        """Add the gradient of L2."""
        if self._l2 and self._mask is not None:
            gradients.addcmul_(values, self._mask, value=self._l2)

    def shrink(self, values: Tensor, optimizer: Optimizer, pace: Pace) -> None:
        """Move every weight towards zero by what L1 asks for, and none beyond it."""
        if self._l1 and self._mask is not None:
            most = self._mask * (self._l1 * optimizer.reach(pace.rate, pace.momentum))
            values.sub_(torch.clamp(values, -most, most))

    def emptied(self, values: Tensor) -> bool:
        """Whether L1 has left no weight of any layer: then nothing is learnt from the data."""
        return bool(self._l1 and self._mask is not None and not (values * self._mask).any())


class Clipping:
    """Keeps gradients short: each entry first, then the whole."""

    def __init__(self, params: Hyperparameters) -> None:
        self._value = params.clip_value
        self._norm = params.clip_norm

    def limit(self, gradients: Tensor) -> None:
        """Shorten in place."""
        if self._value is not None:
            gradients.clamp_(-self._value, self._value)
        if self._norm is not None:
            gradients.mul_(torch.clamp(self._norm / (gradients.norm() + 1e-12), max=1.0))


def _weights_of_layers(network: nn.Module, values: Tensor) -> Tensor:
    """One where the vector holds a weight of a layer, zero where a bias or a normalisation."""
    mask = torch.zeros_like(values)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            start = parameter.data.storage_offset() - values.storage_offset()
            mask[start : start + parameter.numel()] = 1
    return mask
