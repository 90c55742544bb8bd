"""Algorithms: what can be trained, on which columns, ranked by which metric."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import Page, PageRequest, Resource, argument
from aimass_jupyter.contract.hyperparameters import (
    ClassificationHyperparameters,
    Hyperparameters,
    RegressionHyperparameters,
)
from aimass_jupyter.contract.operation import Operation


class Algorithm(Resource):
    """An algorithm as a face shows it."""

    name: str
    task: str
    help: str
    metric: str = Field(description="The metric that ranks its models.")
    maximize: bool
    inputs: list[str] = Field(description="Kinds of columns that it takes.")
    hyperparameters: dict[str, Any] = Field(description="JSON Schema of its hyperparameters.")


class AlgorithmDeclaration(Resource):
    """An algorithm as the contract declares it."""

    name: str
    task: Literal["classification", "regression"]
    help: str
    metric: str
    maximize: bool
    inputs: tuple[str, ...]
    hyperparameters: type[Hyperparameters]

    def describe(self) -> Algorithm:
        """The declaration with the schema spelt out."""
        return Algorithm(
            **self.model_dump(exclude={"hyperparameters", "inputs"}),
            inputs=list(self.inputs),
            hyperparameters=self.hyperparameters.model_json_schema(),
        )


ALGORITHMS = {
    declaration.name: declaration
    for declaration in (
        AlgorithmDeclaration(
            name="classification",
            task="classification",
            metric="accuracy",
            maximize=True,
            help="A neural network that tells classes apart, for tables, texts and images.",
            inputs=("number", "category", "boolean", "text", "image"),
            hyperparameters=ClassificationHyperparameters,
        ),
        AlgorithmDeclaration(
            name="regression",
            task="regression",
            metric="r2",
            maximize=True,
            help="A neural network that predicts a number, for tables, texts and images.",
            inputs=("number", "category", "boolean", "text", "image"),
            hyperparameters=RegressionHyperparameters,
        ),
    )
}


class AlgorithmList(PageRequest):
    dataset: str | None = argument(
        None, help="Only what suits this dataset, best first.", completes="datasets", max_length=128
    )


class Recommendation(Algorithm):
    """An algorithm with the reason why it suits, or does not suit, a dataset."""

    reason: str = ""


OPERATIONS = (
    Operation(
        name="algorithms.list",
        method="GET",
        path="/algorithms",
        short="algorithms",
        request=AlgorithmList,
        response=Page[Recommendation],
        permission="algorithms:read",
        help="List the algorithms with their hyperparameters; for a dataset, ranked with a reason.",
        examples=("algorithms list", "algorithms list --dataset digits"),
    ),
)
