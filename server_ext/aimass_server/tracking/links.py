"""The folder that TensorBoard looks at: a link for each job, under a name that a person knows."""

from __future__ import annotations

import os
import re
from pathlib import Path

from aimass_jupyter.contract.base import NAME_PATTERN
from aimass_jupyter.host import read_record

_SHORT = 6


class RunLinks:
    """Links ``<name>-<end of the id>`` to the event files of each job that has some.

    Parameters
    ----------
    jobs
        The folder of all jobs.
    folder
        Where the links are; nothing else is in there.
    """

    def __init__(self, jobs: Path, folder: Path) -> None:
        self._jobs = jobs
        self.folder = folder
        self._known: dict[str, str] = {}

    def refresh(self) -> None:
        """Link jobs that are new, unlink those that are gone; blocks on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        wanted = {self._name(job): job / "tb" for job in self._jobs.glob("job_*") if _has_runs(job)}
        present = {path.name for path in self.folder.iterdir()}
        for name in present - wanted.keys():
            (self.folder / name).unlink()
        for name in wanted.keys() - present:
            target = os.path.relpath(wanted[name], self.folder)
            (self.folder / name).symlink_to(target)

    def _name(self, job: Path) -> str:
        """What the job is called; a job keeps its name, so its spec is read once."""
        if job.name not in self._known:
            name = (read_record(job / "spec.json") or {}).get("name", "")
            name = name if re.fullmatch(NAME_PATTERN, name) else "job"
            self._known[job.name] = f"{name}-{job.name[-_SHORT:]}"
        return self._known[job.name]


def _has_runs(job: Path) -> bool:
    return (job / "tb").is_dir() and (job / "spec.json").is_file()
