"""Layout: the order in which the numbers of an image lie in memory while a network computes.

What is kept (weights, checkpoints, models) is the same in any layout: convolutions follow that of
their input. Only sums are taken in another order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

CONTIGUOUS, CHANNELS_LAST = "contiguous", "channels_last"


def usual_layout(device: torch.device) -> str:
    """The layout that nobody measured: convolutions of CPUs are quicker where channels are last.

    On GPUs it depends on what they compute in.
    """
    return CHANNELS_LAST if device.type == "cpu" else CONTIGUOUS


def lay_out(network: nn.Module, layout: str, device: torch.device) -> None:
    """Have a network of images compute in a layout; ``auto`` is the usual one."""
    chosen = usual_layout(device) if layout == "auto" else layout
    if chosen == CHANNELS_LAST and any(isinstance(one, nn.Conv2d) for one in network.modules()):
        network.register_forward_pre_hook(_put_channels_last)


def _put_channels_last(network: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
    (images,) = inputs
    return (channels_last(images),)


def channels_last(images: Tensor) -> Tensor:
    """The same images with all channels of a place beside each other.

    Of one channel both layouts are the same bytes, and only the strides say which is meant.
    """
    _, channels, height, width = images.shape
    if channels == 1:
        return images.contiguous().as_strided(images.shape, (height * width, 1, width, 1))
    return images.contiguous(memory_format=torch.channels_last)
