"""Quantities as people write them: 90m, 2h, 4GB; kept as seconds, times and bytes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from aimass_jupyter.contract.base import UtcTime
from aimass_jupyter.contract.ids import utc_now

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LEAST_MEMORY = 16 << 20  # no Python process gets by with less
_BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_QUANTITY = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)\s*")


def counted(number: float, one: str, more: str = "") -> str:
    """A number of things in words: ``1 slot``, ``0.5 slots``, ``1,200 jobs``."""
    whole = int(number) if number == int(number) else number
    return f"{whole:,} {one if number == 1 else more or one + 's'}"


def _quantity(text: str, units: dict[str, int], plain: str, example: str) -> float:
    """A number with a unit, or one of the plain unit.

    Raises
    ------
    ValueError
        When it is neither.
    """
    match = _QUANTITY.fullmatch(text)
    unit = (match[2] or plain) if match else ""
    known = {name.lower(): size for name, size in units.items()}
    if match is None or unit.lower() not in known:
        raise ValueError(f"'{text[:40]}' is none: write it like {example}")
    return float(match[1]) * known[unit.lower()]


def _seconds(value: Any) -> Any:
    return _quantity(value, _SECONDS, "s", "90s, 45m, 2h or 1.5d") if _is_text(value) else value


def _bytes(value: Any) -> Any:
    return int(_quantity(value, _BYTES, "B", "500MB or 4GB")) if _is_text(value) else value


def _enough(size: int) -> int:
    if size < LEAST_MEMORY:
        raise ValueError(f"{size:,} bytes are too few for a process: write it like 500MB or 4GB")
    return size


def _time(value: Any) -> Any:
    if not _is_text(value):
        return value
    try:
        if _QUANTITY.fullmatch(value):
            return utc_now() + timedelta(seconds=_quantity(value, _SECONDS, "s", "8h"))
        return _moment(value)
    except OverflowError:
        raise ValueError(f"'{value[:40]}' is further away than there are dates") from None


def _moment(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text[:40]}' is no time: write it like 8h (from now), or 2030-01-31T18:00Z"
        ) from None
    return time.astimezone(UTC)  # without a zone it is the local one of whoever wrote it


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _written(example: str) -> Any:
    """A mark in the schema: people write it in words, such as these."""
    return Field(json_schema_extra={"x-written": example})


#: A stretch of time in seconds, also written 90s, 45m, 2h, 1.5d.
Seconds = Annotated[float, BeforeValidator(_seconds), _written("2h")]

#: Memory of a process in bytes, also written 500MB, 4GB (powers of 1024).
Memory = Annotated[int, BeforeValidator(_bytes), AfterValidator(_enough), _written("4GB")]

#: A time, also written as a stretch from now.
TimeOrFromNow = Annotated[UtcTime, BeforeValidator(_time), _written("8h")]
