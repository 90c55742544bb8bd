"""Random changes of images, (rows, channels, height, width) from 0 to 1; another one a row."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

Change = Callable[[Tensor], Tensor]

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def mirror(images: Tensor, axes: str) -> Tensor:
    """Mirror about half of them, ``horizontal``, ``vertical`` or ``both`` independently."""
    for axis, name in ((3, "horizontal"), (2, "vertical")):
        if axes in (name, "both"):
            chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
            images = torch.where(chosen, images.flip(axis), images)
    return images


def move(
    images: Tensor, degrees: float, scaling: float, shear: float, shift: float
) -> Tensor:  # fmt: skip
    """Rotate, scale, shear and shift them by up to as much; edges are drawn out.

    Parameters
    ----------
    degrees, shear
        In degrees, either way.
    scaling, shift
        Shares: of the size, and of a side.
    """
    height, width = images.shape[2:]
    angles = _up_to(images, math.radians(degrees))
    slants = torch.tan(_up_to(images, math.radians(shear)))
    sizes = 1 + _up_to(images, scaling)
    cosines, sines = torch.cos(angles) / sizes, torch.sin(angles) / sizes
    across, down = width / height, height / width
    rows = [
        torch.stack([cosines, (slants * cosines - sines) * down, 2 * _up_to(images, shift)], 1),
        torch.stack([sines * across, slants * sines + cosines, 2 * _up_to(images, shift)], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def jitter_colours(images: Tensor, most: float) -> Tensor:
    """Change brightness, contrast and, where there are colours, saturation."""
    colours, rest = images[:, :3], images[:, 3:]  # a fourth channel is how opaque a pixel is
    colours = colours * _factors(images, most)
    centre = colours.mean((1, 2, 3), keepdim=True)
    colours = centre + (colours - centre) * _factors(images, most)
    if images.shape[1] >= 3:
        weights = colours.new_tensor(_GREY).view(1, 3, 1, 1)
        grey = (colours * weights).sum(1, keepdim=True)
        colours = grey + (colours - grey) * _factors(images, most)
    return torch.cat([colours.clamp(0, 1), rest], 1)


def add_noise(images: Tensor, deviation: float) -> Tensor:
    """Add Gaussian noise."""
    return (images + deviation * torch.randn_like(images)).clamp(0, 1)


def _up_to(images: Tensor, most: float) -> Tensor:
    """A number for each image, evenly between minus and plus this."""
    return (2 * torch.rand(len(images), device=images.device) - 1) * most


def _factors(images: Tensor, most: float) -> Tensor:
    return (1 + _up_to(images, most)).view(-1, 1, 1, 1)
