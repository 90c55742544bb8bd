"""How columns become a network's input and its output becomes an answer, and back from JSON.

It is fitted on training rows only, and travels in the bundle so that serving does what training
did. Arrow is imported to fit; to apply it takes numpy alone, which keeps a replica small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.models import Signature
from aimass_jupyter.data.encoders import (
    DEFAULT_SIZE,
    BooleanEncoder,
    CategoryEncoder,
    Encoder,
    ImageEncoder,
    NumberEncoder,
    TensorEncoder,
    TextEncoder,
    TextSize,
    Unusable,
)
from aimass_jupyter.data.labels import ClassLabel, Label, NumberLabel

if TYPE_CHECKING:
    import pyarrow as pa

Array = npt.NDArray[Any]
Matrix = npt.NDArray[np.float32]
Task = Literal["classification", "regression"]

_ENCODERS: dict[str, type[NumberEncoder | BooleanEncoder | CategoryEncoder | ImageEncoder]] = {
    "number": NumberEncoder,
    "boolean": BooleanEncoder,
    "category": CategoryEncoder,
    "image": ImageEncoder,
}
_LEARNT = {*_ENCODERS, "text"}
_NOT_LEARNT = {"identifier": "its values are too many to be categories, and too short to be texts"}
TEXTS_LOOKED_AT = 10_000  # to learn how long they are
_EXAMPLE_LENGTH = 500


class Preprocessing(BaseModel):
    """Fitted encoders: one a usable column, and one for the label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[1] = 1
    features: list[Encoder] = Field(min_length=1)
    label: Label
    dropped: dict[str, str] = Field(description="Column that is not learnt from → why.")
    example: dict[str, JsonValue] = Field(description="One training row, for the signature.")

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        features: Sequence[Column],
        label: Column | str,
        task: Task,
        texts: TextSize = DEFAULT_SIZE,
    ) -> Preprocessing:
        """Fit on training rows.

        Parameters
        ----------
        table
            The training rows and no others; none of them lacks its label.
        features
            The columns to learn from, as described; the label among them is passed over.
        label
            The column to learn.
        texts
            How much is kept of a text.

        Raises
        ------
        InvalidRequest
            When no column can be learnt from, or the label does not suit the task.
        """
        from aimass_jupyter.data.dataset import column_values, first_value

        target = label if isinstance(label, str) else label.name
        encoder = ClassLabel if task == "classification" else NumberLabel
        fitted_label = encoder.fit(target, column_values(table[target]))
        candidates = [column for column in features if column.name != target]
        fitted, dropped = _fit_columns(table, _image_or_table(candidates), texts)
        if not fitted:
            raise _nothing_to_learn_from(target, dropped)
        return cls(
            features=fitted,
            label=fitted_label,
            dropped=dropped,
            example={feature.name: _cut(first_value(table[feature.name])) for feature in fitted},
        )

    @property
    def task(self) -> Task:
        """What is learnt."""
        return "classification" if isinstance(self.label, ClassLabel) else "regression"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of the network's input: (width,) or (channels, height, width)."""
        first = self.features[0]
        if isinstance(first, ImageEncoder | TensorEncoder):
            return first.shape
        table = [f for f in self.features if not isinstance(f, ImageEncoder | TensorEncoder)]
        return (sum(feature.width for feature in table),)

    @property
    def packed_shape(self) -> tuple[int, ...]:
        """Shape of one row as it is kept: that of the input, but for texts their words."""
        if not self.has_text:
            return self.input_shape
        return (max(part.stop for _, part in self.packed_features()),)

    @property
    def has_text(self) -> bool:
        """Whether a text is learnt from: rows are kept as words then."""
        return any(isinstance(feature, TextEncoder) for feature in self.features)

    def packed_features(self) -> Iterator[tuple[Encoder, slice]]:
        """Yield each feature of a table, and which columns of packed rows are its own."""
        start = 0
        for feature in self.features:
            if isinstance(feature, ImageEncoder | TensorEncoder):
                raise TypeError(f"'{feature.name}' is no column of a table")
            stop = start + (feature.words if isinstance(feature, TextEncoder) else feature.width)
            yield feature, slice(start, stop)
            start = stop

    @property
    def output_size(self) -> int:
        """Numbers that the network gives for a row: a logit a class, or one value."""
        return self.label.outputs

    def apply(self, columns: Mapping[str, Any]) -> Matrix:
        """Return the network's input, of shape (rows, *input_shape).

        Parameters
        ----------
        columns
            An array or a list for each feature, all equally long; others are passed over.

        Raises
        ------
        InvalidRequest
            When a column is absent, or is not of its kind or length.
        """
        return self.unpack(self.pack(columns))

    def pack(self, columns: Mapping[str, Any]) -> Matrix:
        """Return rows as they are kept, of shape (rows, *packed_shape); raises as ``apply``."""
        parts = [_packed(feature, self._given(columns, feature.name)) for feature in self.features]
        lengths = {
            feature.name: len(part) for feature, part in zip(self.features, parts, strict=True)
        }
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise InvalidRequest(f"the columns differ in their number of rows ({counts})")
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def unpack(self, rows: Matrix) -> Matrix:
        """Return the network's input for rows that were kept, of shape (rows, *input_shape)."""
        if not self.has_text:
            return rows
        parts = [
            feature.unpack(rows[:, part]) if isinstance(feature, TextEncoder) else rows[:, part]
            for feature, part in self.packed_features()
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def encode_label(self, values: Array) -> npt.NDArray[np.int64] | npt.NDArray[np.float32]:
        """Return the label as the loss wants it: classes as int64, or standardised float32."""
        return self.label.encode(values)

    def decode(self, outputs: Array) -> dict[str, Array]:
        """Turn the network's output into answers.

        Parameters
        ----------
        outputs
            Logits of shape (rows, classes), or standardised values of shape (rows,) or (rows, 1).

        Returns
        -------
        dict
            ``label`` and ``probabilities``, or ``value``: the outputs of the signature.
        """
        return self.label.decode(outputs)

    def signature(self) -> Signature:
        """Return what goes in, what comes out, and an example."""
        return Signature(
            inputs=[feature.spec for feature in self.features],
            outputs=self.label.specs,
            example=self.example,
        )

    def to_json(self) -> bytes:
        """Return it as the bundle keeps it."""
        return self.model_dump_json(indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes | str) -> Preprocessing:
        """Rebuild it.

        Raises
        ------
        InvalidRequest
            When the content is not what ``to_json`` gives.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "it"
            raise InvalidRequest(
                f"the preprocessing is not whole: {place}: {first['msg']}"
            ) from None

    @staticmethod
    def _given(columns: Mapping[str, Any], name: str) -> Any:
        try:
            return columns[name]
        except KeyError:
            raise InvalidRequest(f"column '{name}' is not given") from None


def _packed(feature: Encoder, values: Any) -> Matrix:
    return feature.pack(values) if isinstance(feature, TextEncoder) else feature.encode(values)


def _image_or_table(columns: list[Column]) -> list[tuple[Column, str]]:
    """Each column with the reason not to use it: the first image is learnt from alone."""
    images = [column for column in columns if column.kind == "image"]
    if not images:
        return [(column, "") for column in columns]
    chosen = images[0]
    reason = f"a network learns from the image '{chosen.name}' alone"
    return [(column, "" if column is chosen else reason) for column in columns]


def _fit_columns(
    table: pa.Table, columns: list[tuple[Column, str]], texts: TextSize
) -> tuple[list[Encoder], dict[str, str]]:
    fitted: list[Encoder] = []
    dropped: dict[str, str] = {}
    for column, reason in columns:
        if not reason and column.kind not in _LEARNT:
            reason = _NOT_LEARNT.get(column.kind, f"columns of {column.kind} are not learnt from")
        if reason:
            dropped[column.name] = reason
            continue
        try:
            fitted.append(_fit_column(table[column.name], column, texts))
        except Unusable as unusable:
            dropped[column.name] = str(unusable)
    return fitted, dropped


def _fit_column(values: pa.ChunkedArray, column: Column, texts: TextSize) -> Encoder:
    from aimass_jupyter.data.dataset import column_values, some_of

    if column.kind == "text":
        some = column_values(some_of(values, TEXTS_LOOKED_AT))
        return TextEncoder.fit(column.name, some, texts)
    return _ENCODERS[column.kind].fit(column.name, column_values(values))


def _cut(value: Any) -> Any:
    return value[:_EXAMPLE_LENGTH] if isinstance(value, str) else value


def _nothing_to_learn_from(label: str, dropped: dict[str, str]) -> InvalidRequest:
    reasons = "; ".join(f"'{name}': {reason}" for name, reason in dropped.items())
    return InvalidRequest(
        f"no column can be learnt from to predict '{label}' ({reasons or 'there is no other'})",
        "import a table with columns of numbers, categories or images",
    )
