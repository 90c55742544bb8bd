"""Values as a person reads them: times, lengths of time, sizes, numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def show(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {show(inner) or '–'}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(show(inner) for inner in value)
    return "" if value is None else str(value)


def number(value: float | None) -> str:
    """A number that may be missing."""
    return "–" if value is None else show(value)


def duration(seconds: float) -> str:
    """A length of time as a person reads it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def size(number: int) -> str:
    """A number of bytes as a person reads it."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def memory(number: int) -> str:
    """An amount of memory in the units of ``--memory``: powers of 1024."""
    amount = number / (1 << 20)
    return f"{amount:.0f} MB" if amount < 1024 else f"{amount / 1024:.3g} GB"
