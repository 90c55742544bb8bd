"""Stretches of time in words. It imports nothing heavy: supervisors use it."""

from __future__ import annotations


def duration_in_words(seconds: float) -> str:
    """A stretch of time in its two largest units: 1 h 30 min."""
    left = round(seconds)
    parts = []
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
