"""The label: how it becomes numbers to train on, and how a network's output becomes an answer."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, StrictInt, StrictStr

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.models import TensorSpec

Array = npt.NDArray[Any]

MAX_CLASSES = 1000


class ClassLabel(BaseModel):
    """Classes, in order; the network gives a logit for each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["class"] = "class"
    name: str
    classes: list[StrictInt] | list[StrictStr] = Field(min_length=2, max_length=MAX_CLASSES)

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Take the different values, sorted."""
        classes = np.unique(_as_classes(name, values)).tolist()
        if len(classes) < 2:
            raise InvalidRequest(
                f"the label '{name}' is the same in every row", "choose a label with two classes"
            )
        if len(classes) > MAX_CLASSES:
            raise InvalidRequest(
                f"the label '{name}' has {len(classes):,} different values, "
                f"and at most {MAX_CLASSES:,} can be classes",
                "choose another label, or --algorithm regression",
            )
        return cls(name=name, classes=classes)

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row."""
        return len(self.classes)

    @property
    def specs(self) -> list[TensorSpec]:
        """What comes out."""
        datatype = "INT64" if isinstance(self.classes[0], int) else "BYTES"
        names = [str(name) for name in self.classes]
        return [
            TensorSpec(name="label", datatype=datatype, shape=[-1], values=names),
            TensorSpec(name="probabilities", datatype="FP32", shape=[-1, len(names)], values=names),
        ]

    def encode(self, values: Array) -> npt.NDArray[np.int64]:
        """Return the number of each value's class."""
        number = {value: place for place, value in enumerate(self.classes)}
        given = _as_classes(self.name, values).tolist()
        if unknown := set(given) - set(number):
            wrong = str(sorted(unknown)[0])
            raise InvalidRequest(
                f"the label '{self.name}' has the value '{wrong}', which no training row has",
                did_you_mean(wrong, map(str, self.classes)),
            )
        return np.array([number[value] for value in given], dtype=np.int64)

    def decode(self, outputs: Array) -> dict[str, Array]:
        """Return the likeliest class and the softmax of the logits."""
        logits = outputs.astype(np.float64)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        kind = np.int64 if isinstance(self.classes[0], int) else object
        names = np.array(self.classes, dtype=kind)
        return {
            "label": names[logits.argmax(axis=1)],
            "probabilities": probabilities.astype(np.float32),
        }


class NumberLabel(BaseModel):
    """A number; the network gives it standardised."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["number"] = "number"
    name: str
    mean: FiniteFloat
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Take mean and standard deviation."""
        numbers = _as_numbers(name, values)
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = float(numbers.mean()), float(numbers.std())
        if scale == 0:
            raise InvalidRequest(f"the label '{name}' is the same in every row")
        if not np.isfinite([mean, scale]).all():
            raise InvalidRequest(f"the numbers of the label '{name}' are too large to learn")
        return cls(name=name, mean=mean, scale=scale)

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row."""
        return 1

    @property
    def specs(self) -> list[TensorSpec]:
        """What comes out."""
        return [TensorSpec(name="value", datatype="FP64", shape=[-1])]

    def encode(self, values: Array) -> npt.NDArray[np.float32]:
        """Return the standardised numbers."""
        numbers = _as_numbers(self.name, values)
        return ((numbers - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: Array) -> dict[str, Array]:
        """Return the numbers in the label's own unit."""
        return {"value": outputs.reshape(len(outputs)).astype(np.float64) * self.scale + self.mean}


class TensorLabel(BaseModel):
    """What a network of one's own gives, handed out as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["tensor"] = "tensor"
    name: str
    shape: tuple[PositiveInt, ...] = Field(max_length=8)

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row."""
        return prod(self.shape)

    @property
    def specs(self) -> list[TensorSpec]:
        """What comes out."""
        return [TensorSpec(name="output", datatype="FP32", shape=[-1, *self.shape])]

    def encode(self, values: Array) -> npt.NDArray[np.float32]:
        """Return the values as the network gives them."""
        return values.astype(np.float32)

    def decode(self, outputs: Array) -> dict[str, Array]:
        """Return them in their shape."""
        return {"output": outputs.reshape(len(outputs), *self.shape).astype(np.float32)}


Label = Annotated[ClassLabel | NumberLabel | TensorLabel, Field(discriminator="kind")]


def _as_classes(name: str, values: Array) -> Array:
    """Classes as they are told to people: integers, or words (true and false among them)."""
    if values.dtype == bool:
        return np.where(values, "true", "false").astype(object)
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.int64)
    if np.issubdtype(values.dtype, np.floating):
        return _as_integers(name, values)
    if any(value is None for value in values.tolist()):
        raise _missing(name)
    return values.astype(str).astype(object)


def _as_integers(name: str, values: Array) -> Array:
    if np.isnan(values).any():
        raise _missing(name)
    if not np.array_equal(values, np.round(values)) or np.abs(values).max(initial=0) >= 2**53:
        raise InvalidRequest(
            f"the label '{name}' holds measured numbers, not classes", "use --algorithm regression"
        )
    return values.astype(np.int64)


def _as_numbers(name: str, values: Array) -> npt.NDArray[np.float64]:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidRequest(
            f"the label '{name}' holds words, not numbers", "use --algorithm classification"
        ) from None
    if not np.isfinite(numbers).all():
        raise _missing(name)
    return numbers


def _missing(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"the label '{name}' is missing or infinite in some rows", "leave those rows out"
    )
