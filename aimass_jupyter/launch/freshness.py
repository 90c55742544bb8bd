"""Whether what a process has imported is still what is installed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_OURS = "aimass_jupyter"


@dataclass(frozen=True)
class Freshness:
    """When each folder of packages and each imported file of ours was changed last.

    A package that is installed, upgraded or removed changes the folder that it is in; a file of
    ours may be edited where it lies.
    """

    changed: dict[str, int]

    @classmethod
    def now(cls) -> Freshness:
        """What this process has imported, as it is on disk now."""
        return cls({path: _changed(path) for path in [*_folders(), *_own_files()]})

    def lost(self) -> str:
        """What is no longer as it was imported, in words; empty when all is."""
        for path, changed in self.changed.items():
            if _changed(path) != changed:
                return f"{path} was changed"
        return ""


def _folders() -> list[str]:
    return [path for path in sys.path if Path(path).is_dir()]


def _own_files() -> list[str]:
    """Files of this distribution; others change with the folder that they are in."""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == _OURS]
    return [str(file) for module in modules if (file := getattr(module, "__file__", None))]


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - a third of the time, for hundreds of files
    except OSError:
        return 0
