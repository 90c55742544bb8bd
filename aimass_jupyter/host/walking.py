"""Files below a folder in which others write and delete: what goes meanwhile is passed over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fnmatch import filter as matching
from pathlib import Path


def files_below(folder: Path, pattern: str) -> Iterator[Path]:
    """The files that are called so, however deep; links to folders are not followed.

    Unlike ``Path.rglob`` it goes on when a folder is deleted while it looks.
    """
    for path, _, names in os.walk(folder):
        for name in matching(names, pattern):
            yield Path(path, name)


def newest_below(folder: Path, pattern: str) -> float | None:
    """When the newest of such files was written, in seconds since 1970; None without any."""
    times = []
    for path in files_below(folder, pattern):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return max(times, default=None)
