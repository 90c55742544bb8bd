"""Networks: from hyperparameters and the shape of a row to a module. They never know the task.

Ranks see different rows, and a network must not depend on how many there are: what normalises a
batch normalises that of all ranks (``batch_norm``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from aimass_jupyter.algorithms.batch_norm import BatchNorm
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.hyperparameters import Hyperparameters

_FIRST_CHANNELS, _MOST_CHANNELS = 32, 128
_SMALL_SIDE = 7


def build_network(params: Hyperparameters, shape: Sequence[int], outputs: int) -> nn.Sequential:
    """Return a network for rows of a shape: (width,) or (channels, height, width).

    Raises
    ------
    InvalidRequest
        When the architecture does not take rows of that shape.
    """
    architecture = architecture_of(params, shape)
    if architecture == "cnn":
        body, features = _convolutions(params, shape)
        return nn.Sequential(*body, nn.Flatten(), *_dense(params, features, 1, outputs))
    depth = params.layers if architecture == "mlp" else 0
    return nn.Sequential(nn.Flatten(), *_dense(params, math.prod(shape), depth, outputs))


def architecture_of(params: Hyperparameters, shape: Sequence[int]) -> str:
    """Return the architecture that is built for rows of a shape.

    Raises
    ------
    InvalidRequest
        When the one that is asked for does not take them.
    """
    image = len(shape) == 3
    if params.architecture == "auto":
        return "cnn" if image else "mlp"
    if params.architecture == "cnn" and not image:
        raise InvalidRequest(
            "architecture 'cnn' takes images, and the dataset is a table",
            "use --architecture mlp, linear or auto",
        )
    return params.architecture


def _convolutions(params: Hyperparameters, shape: Sequence[int]) -> tuple[list[nn.Module], int]:
    """Pairs of convolutions, each halving the image, until it is small; and how much comes out."""
    channels, height, width = shape
    layers: list[nn.Module] = []
    wider = _FIRST_CHANNELS
    while not layers or min(height, width) > _SMALL_SIDE:
        layers += [nn.Conv2d(channels, wider, 3, padding=1), *_active(params, wider)]
        layers += [nn.Conv2d(wider, wider, 3, padding=1), *_active(params, wider)]
        if min(height, width) > 1:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        channels, wider = wider, min(2 * wider, _MOST_CHANNELS)
    return layers, channels * height * width


def _dense(params: Hyperparameters, features: int, depth: int, outputs: int) -> list[nn.Module]:
    """Hidden layers, then the layer that answers."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(features, params.hidden), *_active(params, params.hidden)]
        layers.append(nn.Dropout(params.dropout))
        features = params.hidden
    return [*layers, nn.Linear(features, outputs)]


def _active(params: Hyperparameters, channels: int) -> list[nn.Module]:
    """What follows a layer."""
    return [BatchNorm(channels), nn.ReLU()] if params.batch_norm else [nn.ReLU()]
