"""One encoder a kind of column: fitted on training rows, then numpy alone.

An encoder turns the values of its column into float32 and says what it wants to be given. It never
sees the label.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.models import TensorSpec
from aimass_jupyter.data.words import features_of, numbers_of, words_of

Array = npt.NDArray[Any]
Matrix = npt.NDArray[np.float32]

MAX_CATEGORIES = 100
MAX_SLOTS, MAX_WORDS = 65_536, 4096  # of a text: what a bundle may ask for
LEAST_WORDS = 2
FARTHEST = 1e4  # standard deviations; keeps absurd numbers finite in float32

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Unusable(Exception):
    """A column that cannot be learnt from; the message says why."""


class TextSize(NamedTuple):
    """How much is kept of a text: words at most, and slots that they and their pairs fall into."""

    slots: int = 1024
    words: int = 256


DEFAULT_SIZE = TextSize()


class _Encoder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str


class NumberEncoder(_Encoder):
    """Standardises; a missing value becomes the mean, and is flagged where training had some."""

    kind: Literal["number"] = "number"
    mean: FiniteFloat
    scale: _Positive
    missing: bool

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Take mean and standard deviation of what is there."""
        numbers = _as_numbers(name, values)
        present = numbers[np.isfinite(numbers)]
        if not len(present) or present.min() == present.max():
            raise Unusable("it is the same in every row")
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = float(present.mean()), float(present.std())
        if not np.isfinite([mean, scale]).all() or scale == 0:
            raise Unusable("its numbers are too large or too close to be told apart")
        return cls(name=name, mean=mean, scale=scale, missing=len(present) < len(numbers))

    @property
    def width(self) -> int:
        """Columns of the matrix that it fills."""
        return 2 if self.missing else 1

    @property
    def spec(self) -> TensorSpec:
        """What it wants to be given."""
        return TensorSpec(name=self.name, datatype="FP64", shape=[-1])

    def encode(self, values: Any) -> Matrix:
        """Return (rows, width)."""
        numbers = _as_numbers(self.name, values)
        absent = ~np.isfinite(numbers)
        scaled = (np.where(absent, self.mean, numbers) - self.mean) / self.scale
        scaled = np.clip(scaled, -FARTHEST, FARTHEST)
        return _columns(scaled, absent) if self.missing else _columns(scaled)


class BooleanEncoder(_Encoder):
    """False is 0 and true is 1; a missing value is the training rows' share of true."""

    kind: Literal["boolean"] = "boolean"
    mean: _Share
    missing: bool

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Take the share of true."""
        numbers = _as_numbers(name, values)
        absent = np.isnan(numbers)
        if absent.all() or np.ptp(numbers[~absent]) == 0:
            raise Unusable("it is the same in every row")
        mean = float(numbers[~absent].mean())
        return cls(name=name, mean=mean, missing=bool(absent.any()))

    @property
    def width(self) -> int:
        """Columns of the matrix that it fills."""
        return 2 if self.missing else 1

    @property
    def spec(self) -> TensorSpec:
        """What it wants to be given."""
        return TensorSpec(name=self.name, datatype="BOOL", shape=[-1])

    def encode(self, values: Any) -> Matrix:
        """Return (rows, width)."""
        numbers = _as_numbers(self.name, values)
        absent = np.isnan(numbers)
        filled = np.where(absent, self.mean, numbers != 0)
        return _columns(filled, absent) if self.missing else _columns(filled)


class CategoryEncoder(_Encoder):
    """One slot for each frequent category and a last one for all others, missing ones among them.

    When no training row fell into the last slot, the network never learnt what it means; a value
    that is new then is the average category instead.
    """

    kind: Literal["category"] = "category"
    values: list[str] = Field(min_length=1, max_length=MAX_CATEGORIES)
    shares: list[_Share] = Field(description="Of the training rows; one more than the values.")

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Keep the most frequent categories."""
        present = [str(value) for value in values if value is not None]
        found, counts = np.unique(np.array(present, dtype=object), return_counts=True)
        if len(found) == 0 or (len(found) == 1 and len(present) == len(values)):
            raise Unusable("it is the same in every row")
        kept = np.sort(np.argsort(-counts, kind="stable")[:MAX_CATEGORIES])
        shares = counts[kept] / len(values)
        rest = max(0.0, 1 - float(shares.sum())) if counts[kept].sum() < len(values) else 0.0
        return cls(name=name, values=found[kept].tolist(), shares=[*shares.tolist(), rest])

    @property
    def missing(self) -> bool:
        """Whether a value may be missing: there is a slot that has learnt what that means."""
        return self.shares[-1] > 0

    @property
    def width(self) -> int:
        """Columns of the matrix that it fills."""
        return len(self.values) + 1

    @property
    def spec(self) -> TensorSpec:
        """What it wants to be given."""
        return TensorSpec(name=self.name, datatype="BYTES", shape=[-1], values=self.values)

    def encode(self, values: Any) -> Matrix:
        """Return (rows, width)."""
        slots = np.eye(self.width, dtype=np.float32)
        if not self.missing:
            slots[-1] = self.shares
        number = {value: slot for slot, value in enumerate(self.values)}
        other = len(self.values)
        return slots[[number.get(value, other) for value in _as_list(self.name, values)]]


class TextEncoder(_Encoder):
    """The words of a text and their pairs, hashed into slots; a missing text has no words.

    What is kept of many rows are the numbers of their words, see ``words``.
    """

    kind: Literal["text"] = "text"
    hashing: Literal[1] = 1
    slots: int = Field(ge=1, le=MAX_SLOTS)
    words: int = Field(ge=LEAST_WORDS, le=MAX_WORDS, description="Of each text.")
    missing: Literal[True] = True

    @classmethod
    def fit(cls, name: str, values: Array, size: TextSize) -> Self:
        """Take the length of the longest text, up to the most words that are kept."""
        found = [words_of(text) for text in _as_texts(name, values)]
        longest = max(map(len, found), default=0)
        if not longest or len(set(map(tuple, found))) == 1:
            raise Unusable("it has no words, or the same in every row")
        kept = min(size.words, max(LEAST_WORDS, longest))
        return cls(name=name, slots=size.slots, words=kept)

    @property
    def width(self) -> int:
        """Columns of the matrix that it fills."""
        return self.slots

    @property
    def spec(self) -> TensorSpec:
        """What it wants to be given."""
        return TensorSpec(name=self.name, datatype="BYTES", shape=[-1])

    def encode(self, values: Any) -> Matrix:
        """Return (rows, width)."""
        return self.unpack(self.pack(values))

    def pack(self, values: Any) -> Matrix:
        """Return the numbers of the words, (rows, words)."""
        return numbers_of(_as_texts(self.name, values), self.words)

    def unpack(self, packed: Matrix) -> Matrix:
        """Return (rows, width)."""
        return features_of(packed, self.slots)


class ImageEncoder(_Encoder):
    """Scales from the range that training saw to 0…1."""

    kind: Literal["image"] = "image"
    shape: tuple[PositiveInt, PositiveInt, PositiveInt]
    minimum: FiniteFloat
    scale: _Positive
    missing: Literal[False] = False

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Take the least and the greatest value."""
        if not np.isfinite(values).all():
            raise Unusable("some of its pixels are NaN or infinite")
        low, high = float(values.min()), float(values.max())
        if low == high:
            raise Unusable("it is the same in every row")
        return cls(name=name, shape=values.shape[1:], minimum=low, scale=high - low)

    @property
    def spec(self) -> TensorSpec:
        """What it wants to be given."""
        return TensorSpec(name=self.name, datatype="FP32", shape=[-1, *self.shape])

    def encode(self, values: Any) -> Matrix:
        """Return (rows, channels, height, width)."""
        pixels = np.asarray(values, dtype=np.float32)
        if pixels.shape[1:] != self.shape:
            given, wanted = _shape(pixels.shape[1:]), _shape(self.shape)
            raise InvalidRequest(
                f"an image of column '{self.name}' is {given}, and must be {wanted}"
            )
        scaled: Matrix = (pixels - np.float32(self.minimum)) / np.float32(self.scale)
        return scaled.clip(0, 1)


class TensorEncoder(_Encoder):
    """Hands on what a network of one's own takes, as it is."""

    kind: Literal["tensor"] = "tensor"
    shape: tuple[PositiveInt, ...] = Field(max_length=8)
    missing: Literal[False] = False

    @property
    def spec(self) -> TensorSpec:
        """What it wants to be given."""
        return TensorSpec(name=self.name, datatype="FP32", shape=[-1, *self.shape])

    def encode(self, values: Any) -> Matrix:
        """Return (rows, *shape)."""
        rows = np.asarray(values, dtype=np.float32)
        if rows.shape[1:] != self.shape:
            given, wanted = _shape(rows.shape[1:]), _shape(self.shape)
            raise InvalidRequest(f"a row of input '{self.name}' is {given}, and must be {wanted}")
        return rows


Encoder = Annotated[
    NumberEncoder | BooleanEncoder | CategoryEncoder | TextEncoder | ImageEncoder | TensorEncoder,
    Field(discriminator="kind"),
]


def _as_numbers(name: str, values: Any) -> npt.NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidRequest(f"column '{name}' holds something that is no number") from None
    return _flat(name, numbers)


def _as_list(name: str, values: Any) -> list[Any]:
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for value in _flat(name, np.asarray(values, dtype=object)).tolist()
    ]


def _as_texts(name: str, values: Any) -> list[str]:
    texts = [("" if value is None else value) for value in _as_list(name, values)]
    if set(map(type, texts)) <= {str}:
        return texts
    row, wrong = next((row, text) for row, text in enumerate(texts, 1) if type(text) is not str)
    raise InvalidRequest(
        f"row {row:,} of column '{name}' is {str(wrong)[:60]}, which is no text", "give it as text"
    )


def _flat(name: str, values: Array) -> Array:
    if values.ndim != 1:
        raise InvalidRequest(
            f"column '{name}' has the shape {_shape(values.shape)}, and takes one value a row"
        )
    return values


def _columns(*parts: Array) -> Matrix:
    return np.column_stack(parts).astype(np.float32)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single value"
