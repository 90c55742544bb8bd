"""Random changes of encoded tables, (rows, width). They know which columns belong together."""

from __future__ import annotations

import torch
from torch import Tensor

from aimass_jupyter.data import Preprocessing
from aimass_jupyter.data.encoders import (
    BooleanEncoder,
    CategoryEncoder,
    ImageEncoder,
    TensorEncoder,
    TextEncoder,
)


class TableChanges:
    """Changes of the rows that a preprocessing makes.

    A feature may be several columns wide: the slots of a category, a value and the flag that it
    is missing. It is changed as one.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        means: list[float] = []
        numbers: list[float] = []
        features: list[int] = []
        for feature, encoder in enumerate(preprocessing.features):
            if isinstance(encoder, ImageEncoder | TensorEncoder):
                raise TypeError(f"'{encoder.name}' is no column of a table")
            if isinstance(encoder, CategoryEncoder):
                mean, number = list(encoder.shares), [0.0] * encoder.width
            elif isinstance(encoder, TextEncoder):
                mean, number = [0.0] * encoder.width, [0.0] * encoder.width
            else:
                average = encoder.mean if isinstance(encoder, BooleanEncoder) else 0.0
                mean = [average, 0.0][: encoder.width]
                number = [float(encoder.kind == "number"), 0.0][: encoder.width]
            means += mean
            numbers += number
            features += [feature] * encoder.width
        self._means = torch.tensor(means)
        self._numbers = torch.tensor(numbers)
        self._features = torch.tensor(features)

    def add_noise(self, rows: Tensor, deviation: float) -> Tensor:
        """Add Gaussian noise to the numbers, in standard deviations of each."""
        return rows + torch.randn_like(rows) * (deviation * self._numbers.to(rows.device))

    def forget(self, rows: Tensor, share: float) -> Tensor:
        """Set so many entries to the mean of their feature; a text has no words then."""
        features = self._features.to(rows.device)
        count = int(self._features[-1]) + 1
        chosen = torch.rand(len(rows), count, device=rows.device) < share
        return torch.where(chosen[:, features], self._means.to(rows.device), rows)
