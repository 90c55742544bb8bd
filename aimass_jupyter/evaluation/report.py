"""The report: what an evaluation found, as plain values."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told apart."""

    name: str
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Report:
    """Metrics on so many rows; ``confusion[truth][predicted]`` counts rows.

    ``separations`` draws precision against recall, see :func:`separation.separations`; it is for
    the eye, and not part of the record.
    """

    rows: int
    metrics: dict[str, float | None]
    classes: list[ClassScore] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    separations: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def as_record(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        record = asdict(self)
        del record["separations"]
        return record


def finite(values: dict[str, float]) -> dict[str, float | None]:
    """Metrics with None for what is NaN or infinite."""
    return {name: float(v) if math.isfinite(v) else None for name, v in values.items()}
