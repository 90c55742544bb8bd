"""Classification: cross-entropy over the classes of the label."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report, classification_report


class Classification:
    """Learns to tell classes apart."""

    def __init__(self, params: Hyperparameters) -> None:
        self._smoothing = float(getattr(params, "label_smoothing", 0.0))
        self._asked = getattr(params, "class_weights", "none")
        self._weights: Tensor | None = None

    def prepare(self, preprocessing: Preprocessing, targets: Tensor) -> None:
        """Work out what each class weighs."""
        if self._asked != "none":
            self._weights = class_weights(self._asked, classes_of(preprocessing), targets)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the cross-entropy of logits (rows, classes).

        Parameters
        ----------
        targets
            Class numbers (rows,), or the share of each class (rows, classes).
        """
        by_class = None if self._weights is None else self._weights.to(outputs.device)
        losses = cross_entropy(
            outputs, targets, by_class, reduction="none", label_smoothing=self._smoothing
        )
        return (losses if weights is None else losses * weights).sum()

    def report(
        self, outputs: npt.NDArray[Any], targets: npt.NDArray[Any], preprocessing: Preprocessing
    ) -> Report:
        """Report on logits (rows, classes) against class numbers (rows,)."""
        probabilities = preprocessing.decode(outputs)["probabilities"]
        return classification_report(probabilities, targets, classes_of(preprocessing))


def classes_of(preprocessing: Preprocessing) -> list[str]:
    """Return the names of the classes, in the order of the outputs."""
    return next(spec.values for spec in preprocessing.signature().outputs if spec.values)


def class_weights(asked: str | dict[str, float], classes: list[str], targets: Tensor) -> Tensor:
    """Return the weight of each class, such that the mean over the rows is 1.

    Parameters
    ----------
    asked
        ``balanced``: as if each class had as many rows; or a class's weight by its name, 1 for
        those that are not named.

    Raises
    ------
    InvalidRequest
        When there is no such class, or a weight is negative.
    """
    counts = torch.bincount(targets, minlength=len(classes)).float()
    if isinstance(asked, dict):
        _check_classes(asked, classes)
        weights = torch.tensor([float(asked.get(name, 1.0)) for name in classes])
    else:
        weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
    return weights * counts.sum() / (weights * counts).sum()


def _check_classes(asked: dict[str, float], classes: list[str]) -> None:
    for name, weight in asked.items():
        if name not in classes:
            raise InvalidRequest(f"there is no class '{name}'", did_you_mean(name, classes))
        if weight < 0:
            raise InvalidRequest(
                f"the weight of class '{name}' is {weight}, and must be 0 or more",
                "give larger numbers to classes that matter more",
            )
    if not any(asked.get(name, 1.0) for name in classes):
        raise InvalidRequest("all classes weigh 0", "give one of them a weight above 0")
