"""Classification: cross-entropy over the classes of the label."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from torch import Tensor
from torch.nn.functional import cross_entropy

from aimass_jupyter.contract.algorithms import Hyperparameters
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report, classification_report


class Classification:
    """Learns to tell classes apart."""

    def __init__(self, params: Hyperparameters) -> None:
        self._smoothing = float(getattr(params, "label_smoothing", 0.0))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of logits (rows, classes) and class numbers (rows,)."""
        return cross_entropy(outputs, targets, reduction="sum", label_smoothing=self._smoothing)

    def report(
        self, outputs: npt.NDArray[Any], targets: npt.NDArray[Any], preprocessing: Preprocessing
    ) -> Report:
        """Report on logits (rows, classes) against class numbers (rows,)."""
        classes = next(spec.values for spec in preprocessing.signature().outputs if spec.values)
        return classification_report(
            preprocessing.decode(outputs)["probabilities"], targets, classes
        )  # fmt: skip
