"""Regression: squared error on the standardised label."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from torch import Tensor
from torch.nn.functional import mse_loss

from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report, regression_report


class Regression:
    """Learns to predict a number."""

    def __init__(self, params: Hyperparameters) -> None:
        self._params = params

    def prepare(self, preprocessing: Preprocessing, targets: Tensor) -> None:
        """There is nothing to know of them."""

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the squared error of outputs (rows, 1) and standardised labels (rows,)."""
        outputs = outputs.squeeze(1)
        if weights is None:
            return mse_loss(outputs, targets, reduction="sum")
        return (mse_loss(outputs, targets, reduction="none") * weights).sum()

    def report(
        self, outputs: npt.NDArray[Any], targets: npt.NDArray[Any], preprocessing: Preprocessing
    ) -> Report:
        """Report in the label's own unit on outputs (rows, 1) and standardised labels (rows,)."""
        predicted = preprocessing.decode(outputs)["value"]
        return regression_report(predicted, preprocessing.decode(targets)["value"])
