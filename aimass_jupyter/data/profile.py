"""What a table holds: kinds of columns, the label, the task, the first rows. It changes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aimass_jupyter.contract.datasets import Column, ColumnKind, DatasetDescription
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.data.dataset import some_of
from aimass_jupyter.data.words import count_words

LABEL_NAMES = ("label", "target", "class", "y")
PREVIEW_ROWS = 5
PREVIEW_SIDE = 64
PREVIEW_LENGTH = 200

MAX_DISTINCT = 1000  # counted and told; above, only that there are more
MAX_INTEGER_CLASSES = 20
FEW_WORDS = 20  # so few different words are categories, however short the table
WORDS_SHARE = 0.5  # above this share of different values, they are no categories
TEXT_WORDS = 3  # a text has so many on average; it is split at spaces
MANY_TEXTS = 100  # above, texts that come again are texts still, and no categories
_TEXTS_LOOKED_AT = 1000


def describe(table: pa.Table, source: str, label: str | None = None) -> DatasetDescription:
    """Describe a table.

    Parameters
    ----------
    source
        Where it came from, in words.
    label
        The column to learn. Without it a column named label, target, class or y is taken.

    Raises
    ------
    InvalidRequest
        When the label is no column of the table, or cannot be learnt.
    """
    columns = [describe_column(name, table[name]) for name in table.column_names]
    chosen = find_column(columns, label) if label is not None else _usual_label(columns)
    task = task_of(chosen, table.num_rows) if chosen else None
    if label is not None and chosen and task is None:
        raise _cannot_learn(chosen, table.num_rows)
    return DatasetDescription(
        rows=table.num_rows,
        columns=columns,
        label=chosen.name if chosen and task else None,
        task=task,
        preview=[_as_json(row) for row in _first_rows(table)],
        source=source,
    )


def describe_column(name: str, column: pa.ChunkedArray) -> Column:
    """Describe one column."""
    kind = column.type
    if isinstance(kind, pa.FixedShapeTensorType):
        return _describe_images(name, column)
    missing = pc.is_null(column, nan_is_null=True)
    present = column.filter(pc.invert(missing))
    distinct = _distinct(present)
    low, high = _range(present)
    words = _mean_words(present)
    return Column(
        name=name,
        kind=_kind(kind, len(present), distinct, words),
        type=str(kind),
        missing=len(column) - len(present),
        distinct=distinct,
        minimum=low,
        maximum=high,
        words=words,
    )


def find_column(columns: Sequence[Column], name: str) -> Column:
    """Return the column of that name.

    Raises
    ------
    InvalidRequest
        When there is none; the hint names the nearest.
    """
    for column in columns:
        if column.name == name:
            return column
    names = [column.name for column in columns]
    raise InvalidRequest(f"there is no column '{name}'", did_you_mean(name, names))


def task_of(label: Column, rows: int) -> str | None:
    """The task that a label asks for; None when it cannot be learnt."""
    if label.kind in ("boolean", "category") or _repeated_text(label, rows):
        return "classification"
    if label.kind != "number":
        return None
    few = label.distinct is not None and label.distinct <= min(MAX_INTEGER_CLASSES, rows // 2)
    return "classification" if few and _is_integer(label) else "regression"


def _describe_images(name: str, column: pa.ChunkedArray) -> Column:
    pixels = pa.chunked_array([chunk.storage.flatten() for chunk in column.chunks])
    low, high = _range(pixels)
    return Column(
        name=name,
        kind="image",
        type=str(column.type.value_type),
        shape=list(column.type.shape),
        minimum=low,
        maximum=high,
    )


def _repeated_text(label: Column, rows: int) -> bool:
    """Whether its values come again and again: names of classes may be long."""
    few = label.distinct is not None and label.distinct <= WORDS_SHARE * rows
    return few and label.kind == "text"


def _is_integer(column: Column) -> bool:
    return column.type.startswith(("int", "uint"))


def _usual_label(columns: Sequence[Column]) -> Column | None:
    by_name = {column.name.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in LABEL_NAMES if name in by_name), None)


def _cannot_learn(label: Column, rows: int) -> InvalidRequest:
    distinct = f"{label.distinct:,}" if label.distinct else f"more than {MAX_DISTINCT:,}"
    reason = f"it holds {label.kind}s"
    if label.kind in ("text", "identifier"):
        what = "free text" if label.kind == "text" else "made of names"
        reason = f"it is {what}, {distinct} different values in {rows:,} rows"
    return InvalidRequest(
        f"column '{label.name}' cannot be the label: {reason}",
        "name a column of numbers, of categories or of true and false",
    )


def _kind(kind: pa.DataType, present: int, distinct: int | None, words: float | None) -> ColumnKind:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "time"
    if distinct is not None and distinct <= FEW_WORDS:
        return "category"
    repeated = distinct is not None and distinct <= WORDS_SHARE * present
    many = distinct is None or distinct > MANY_TEXTS
    if (words or 0) >= TEXT_WORDS and (many or not repeated):
        return "text"
    return "category" if repeated else "identifier"


def _mean_words(present: pa.ChunkedArray) -> float | None:
    """Words of a value, on average over some; None for what are no words.

    What is written without spaces counts two letters as a word.
    """
    if not pa.types.is_string(present.type) or not len(present):
        return None
    texts = some_of(present, _TEXTS_LOOKED_AT).to_pylist()
    return round(sum(map(count_words, texts)) / len(texts), 1)


def _distinct(present: pa.ChunkedArray) -> int | None:
    count = int(pc.count_distinct(present).as_py())
    return count if count <= MAX_DISTINCT else None


def _range(present: pa.ChunkedArray) -> tuple[float | None, float | None]:
    """The least and the greatest finite number; nothing for what are no numbers."""
    if not (pa.types.is_integer(present.type) or pa.types.is_floating(present.type)):
        return None, None
    finite = present.filter(pc.is_finite(present))
    if not len(finite):
        return None, None
    ends = pc.min_max(finite).as_py()
    return float(ends["min"]), float(ends["max"])


def _first_rows(table: pa.Table) -> list[dict[str, Any]]:
    head = table.slice(0, PREVIEW_ROWS)
    columns = {name: _plain(head[name]) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values as Python objects; large images thinned, so that a preview stays small."""
    if not isinstance(column.type, pa.FixedShapeTensorType):
        return list(column.to_pylist())
    images = [image for chunk in column.chunks for image in chunk.to_numpy_ndarray()]
    return [image[:, :: _stride(image.shape[1]), :: _stride(image.shape[2])].tolist()
            for image in images]  # fmt: skip


def _stride(side: int) -> int:
    return max(1, -(-side // PREVIEW_SIDE))


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str) and len(value) > PREVIEW_LENGTH:
        return f"{value[:PREVIEW_LENGTH]}…"
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    return value
