"""Python values as JSON has them: data frames and arrays are rows and lists, what lacks is missing.

pandas and NumPy are not loaded here; what a caller passes is asked what it is.
"""

from __future__ import annotations

import math
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest


def refuse_what_json_lacks(value: Any, where: str = "") -> None:
    """Refuse numbers that are none.

    Raises
    ------
    InvalidRequest
        Naming the first of them.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"{where}: {value} cannot be sent", "give a finite number, or none")
    if isinstance(value, dict):
        for key, inner in value.items():
            refuse_what_json_lacks(inner, f"{where}.{key}".strip("."))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_what_json_lacks(inner, f"{where}.{index}")


def as_json(value: Any) -> Any:
    """A Python object as JSON would have it: arrays and frames become lists."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a data frame: a row a record
        return [_present(row) for row in value.to_dict(orient="records")]
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return value.tolist()
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return value


def _present(row: dict[Any, Any]) -> dict[Any, Any]:
    """What a row of a data frame has; a frame says in ways of its own that a value is missing."""
    plain = {name: as_json(value) for name, value in row.items()}
    return {name: None if _missing(value) else value for name, value in plain.items()}


def _missing(value: Any) -> bool:
    unnamed = type(value).__name__ in ("NAType", "NaTType")
    return unnamed or (isinstance(value, float) and math.isnan(value))
