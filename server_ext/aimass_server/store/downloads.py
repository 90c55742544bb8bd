"""A file to send, as rooms give it to whoever sends it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Download:
    """A file to send."""

    path: Path
    filename: str
    size_bytes: int
