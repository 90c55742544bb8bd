"""Where things lie in a checkout. Computes paths and creates nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one checkout that set-up reads and writes."""

    root: Path

    @property
    def tooling(self) -> Path:
        """The folder of set-up itself: constraints, toolchain files, this package."""
        return self.root / ".ci"

    @property
    def constraints(self) -> Path:
        """The pins that every installation obeys."""
        return self.tooling / "constraints.txt"

    @property
    def venv(self) -> Path:
        """The virtual environment that set-up makes."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def stamps(self) -> Path:
        """Marks of finished steps; inside the environment, so that they go when it goes."""
        return self.venv / "aimass-setup"

    @property
    def logs(self) -> Path:
        """One log a step, and what a step writes on its way."""
        return self.root / "build" / "setup"

    @property
    def lab(self) -> Path:
        """The sources of the JupyterLab extension."""
        return self.root / "labextension"

    @property
    def lab_built(self) -> Path:
        """The prebuilt JupyterLab extension, as the wheel carries it."""
        return self.root / "aimass_jupyter" / "labextension"

    @property
    def reader_source(self) -> Path:
        """The compiled part of the reader of event files, as source."""
        return self.root / "server_ext" / "aimass_server" / "tracking" / "scan.c"

    def script(self, name: str) -> Path:
        """A console script of the environment."""
        return self.venv / "bin" / name


def wheel_cache() -> Path:
    """The folder of built wheels that outlives a checkout: one a user, as XDG has it."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "aimass" / "wheels"
