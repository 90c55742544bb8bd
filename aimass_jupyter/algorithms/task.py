"""Tasks: the seam between the one training loop and what is learnt."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt
from pydantic import ValidationError
from torch import Tensor

from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.contract.wanted import wanted
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report


class Task(Protocol):
    """What the loop asks of an algorithm."""

    def prepare(self, preprocessing: Preprocessing, targets: Tensor) -> None:
        """Look at the encoded labels of all rows that are trained on, once."""

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the loss summed over the rows of a batch, 0 for none.

        Parameters
        ----------
        weights
            How much each row counts, shape (rows,); without, all count 1.
        """

    def report(
        self, outputs: npt.NDArray[Any], targets: npt.NDArray[Any], preprocessing: Preprocessing
    ) -> Report:
        """Compare a network's outputs with encoded labels."""


def find_task(algorithm: str, params: Hyperparameters) -> Task:
    """Return the task of an algorithm.

    Raises
    ------
    InvalidRequest
        When there is no such algorithm.
    """
    from aimass_jupyter.algorithms.classification import Classification
    from aimass_jupyter.algorithms.regression import Regression

    tasks: dict[str, type[Classification | Regression]] = {
        "classification": Classification,
        "regression": Regression,
    }
    if algorithm not in tasks:
        raise _unknown(algorithm)
    return tasks[algorithm](params)


def hyperparameters_of(algorithm: str, params: dict[str, Any]) -> Hyperparameters:
    """Return the hyperparameters of an algorithm, checked, defaults filled in.

    Raises
    ------
    InvalidRequest
        When there is no such algorithm, or a value is out of its limits.
    """
    if algorithm not in ALGORITHMS:
        raise _unknown(algorithm)
    try:
        return ALGORITHMS[algorithm].hyperparameters.model_validate(params)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        message = f"hyperparameter '{name}' of {algorithm}: {wanted(first)}"
        raise InvalidRequest(f"{message}, given {first['input']!r}") from None


def _unknown(algorithm: str) -> InvalidRequest:
    hint = did_you_mean(algorithm, ALGORITHMS)
    return InvalidRequest(f"there is no algorithm '{algorithm}'", hint)
