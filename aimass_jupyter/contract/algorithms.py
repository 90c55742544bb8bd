"""Algorithms: what can be trained, and the hyperparameters each takes (schema and defaults)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import Page, PageRequest, Request, Resource, argument
from aimass_jupyter.contract.operation import Operation


class Hyperparameters(Request):
    """What every training loop takes."""

    epochs: int = Field(10, ge=1, le=100_000, description="Passes over the training rows.")
    batch_size: int = Field(64, ge=1, le=1_000_000, description="Rows a step, over all ranks.")
    learning_rate: float = Field(3e-3, gt=0, le=100, description="Step size of the optimizer.")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="Update rule.")
    weight_decay: float = Field(1e-2, ge=0, le=10, description="Decoupled L2 penalty (AdamW).")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of activations dropped.")
    architecture: Literal["auto", "cnn", "mlp", "linear"] = Field(
        "auto", description="Network; auto takes cnn for images and mlp for tables."
    )
    hidden: int = Field(128, ge=1, le=65_536, description="Units of a hidden layer.")
    layers: int = Field(2, ge=1, le=64, description="Hidden layers.")
    validation_fraction: float = Field(
        0.2, gt=0, lt=1, description="Share of the rows held out and never trained on."
    )
    checkpoint_every: int = Field(1, ge=1, description="Epochs between checkpoints.")


class ClassificationHyperparameters(Hyperparameters):
    """Classification: cross-entropy over the label's classes."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Mass moved off the true class.")


class RegressionHyperparameters(Hyperparameters):
    """Regression: squared error on the standardised label."""


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
            help="A neural network that tells classes apart, for tables and images.",
            inputs=("number", "category", "boolean", "image"),
            hyperparameters=ClassificationHyperparameters,
        ),
        AlgorithmDeclaration(
            name="regression",
            task="regression",
            metric="r2",
            maximize=True,
            help="A neural network that predicts a number, for tables and images.",
            inputs=("number", "category", "boolean", "image"),
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
