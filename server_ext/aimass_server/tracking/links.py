"""The folder that TensorBoard looks at: a link for each job, and each run without one,
under a name that a person knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from aimass_jupyter.contract.base import NAME_PATTERN
from aimass_jupyter.host import read_record

_SHORT = 6


class RunLinks:
    """Links ``<name>-<end of the id>`` to the event files of each job that has some.

    Parameters
    ----------
    data
        The data folder: jobs are in its ``jobs``, and runs without one in its ``runs``.
    folder
        Where the links are; nothing else is in there.
    """

    def __init__(self, data: Path, folder: Path) -> None:
        self._data = data
        self.folder = folder
        self._known: dict[str, str] = {}

    def found(self) -> dict[str, Path]:
        """The folders that have event files, by the id of their job or run; blocks on the disk."""
        writers = [*self._data.glob("jobs/job_*"), *self._data.glob("runs/run_*")]
        return {one.name: one for one in writers if _has_runs(one)}

    def refresh(self, writers: Iterable[Path]) -> None:
        """Link those of them that are new, unlink all others; blocks on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        wanted = {self._name(one): one / "tb" for one in writers}
        present = {path.name for path in self.folder.iterdir()}
        for name in present - wanted.keys():
            (self.folder / name).unlink()
        for name in wanted.keys() - present:
            target = os.path.relpath(wanted[name], self.folder)
            (self.folder / name).symlink_to(target)

    def _name(self, job: Path) -> str:
        """What the job is called; a job keeps its name, so its spec is read once."""
        if job.name not in self._known:
            record = read_record(_names(job)) or {}
            name = str(record.get("name", ""))
            name = name if re.fullmatch(NAME_PATTERN, name) else job.name.partition("_")[0]
            self._known[job.name] = f"{name}-{job.name[-_SHORT:]}"
        return self._known[job.name]


def _has_runs(job: Path) -> bool:
    return (job / "tb").is_dir() and _names(job).is_file()


def _names(folder: Path) -> Path:
    """The record that says what a job, or a run without one, is called."""
    return folder / ("spec.json" if folder.name.startswith("job_") else "run.json")
