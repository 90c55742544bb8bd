"""Batch normalisation whose statistics are those of the whole batch, whatever the number of ranks.

It knows no engine: whoever trains hands in what adds a tensor up over the ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Add = Callable[[Tensor], None]

_MOMENTUM = 0.1
_EPSILON = 1e-5


class BatchNorm(nn.Module):
    """Normalises each channel of (rows, channels, …) over rows and places (arXiv:1502.03167).

    With ``add``, rows are those of all ranks together: two ranks compute what one does on their
    common batch, a rank without rows included. What is added up travels once forward and once
    backward.

    Attributes
    ----------
    add
        Replaces a tensor by its sum over all ranks; None for one rank.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.add: Add | None = None
        self.epsilon = _EPSILON
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return them normalised: by the batch while training, else by what was seen on average."""
        wide = inputs.float()
        if self.training:
            mean, variance = self._of_batch(wide)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight * torch.rsqrt(variance + self.epsilon)
        shape = (1, -1, *(1,) * (inputs.dim() - 2))
        return wide * scale.view(shape) + (self.bias - mean * scale).view(shape)

    def _of_batch(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance; sums are taken around the running mean, where they lose no digits."""
        centre = self.running_mean.clone()
        shape = (1, -1, *(1,) * (inputs.dim() - 2))
        around = inputs - centre.view(shape)
        places = [0, *range(2, inputs.dim())]
        count = around.new_full((1,), around.numel() / len(centre))
        sums = torch.cat([around.sum(places), around.square().sum(places), count])
        if self.add is not None:
            sums = _Sum.apply(sums, self.add)  # type: ignore[no-untyped-call]
        count = sums[-1].detach()
        first, second = (sums[:-1] / count.clamp(min=1)).chunk(2)
        variance = (second - first.square()).clamp(min=0)
        self._remember(first + centre, variance, count)
        return first + centre, variance

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        share = (_MOMENTUM * (count > 0)).expand_as(mean)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / (count - 1).clamp(min=1), share)


class _Sum(torch.autograd.Function):
    """A sum over ranks that gradients flow back through: each rank's inputs move all outputs."""

    @staticmethod
    def forward(context: Any, values: Tensor, add: Add) -> Tensor:
        context.add = add
        summed = values.clone()
        add(summed)
        return summed

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        summed = gradients[0].clone()
        context.add(summed)
        return summed, None


def share_statistics(network: nn.Module, add: Add) -> None:
    """Let every normalisation of a network see the rows of all ranks."""
    for layer in network.modules():
        if isinstance(layer, BatchNorm):
            layer.add = add
