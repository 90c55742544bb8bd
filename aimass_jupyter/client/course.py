"""A job's course as lines of a terminal: its log as it comes, and how far it is."""

from __future__ import annotations

from typing import TextIO

from aimass_jupyter.client.terminal import for_stream
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Progress


class CourseLines:
    """Writes what is new of a job; how far it is only where that has changed.

    Parameters
    ----------
    out
        Where to.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._percent = ""

    def __call__(self, update: JobUpdate) -> None:
        """Write one update."""
        self._out.write(for_stream(update.log, self._out))
        progress = update.job.progress
        percent = f"{progress.fraction:.0%}"
        if not update.end and progress.fraction and percent != self._percent:
            self._percent = percent
            self._out.write(f"{percent}{_left(progress)}\n")
        self._out.flush()


def _left(progress: Progress) -> str:
    return "" if progress.eta_seconds is None else f", {progress.eta_seconds:.0f} s left"
