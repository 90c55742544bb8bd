"""Curves: what a run shows of itself while it trains, and how often. Rank 0 alone shows it."""

from __future__ import annotations

import math
import time
from pathlib import Path
from types import TracebackType

from torch import Tensor

from aimass_jupyter.evaluation import Report
from aimass_jupyter.training.events import EventWriter

_POINTS_A_RUN = 2000
_PROGRESS_SECONDS = 0.25


class Curves:
    """The curves of one run.

    Parameters
    ----------
    folder
        Where the event file goes; None shows nothing.
    steps
        Steps of the whole run.
    first_step
        The step that it begins, or goes on, with.
    """

    def __init__(self, folder: Path | None, steps: int, first_step: int = 0) -> None:
        self._writer = EventWriter(folder, first_step) if folder else None
        self._steps = steps
        self._every = -(-steps // _POINTS_A_RUN)
        self._shown_at = 0.0

    def show_step(self, step: int, loss: Tensor, rate: float) -> None:
        """Show a step that was done; ``step`` counts from 0."""
        if self._writer is None:
            return
        last = step + 1 == self._steps
        if step % self._every == 0 or last:
            self._writer.add("loss/train", float(loss), step)
            self._writer.add("learning_rate", rate, step)
        if time.monotonic() - self._shown_at > _PROGRESS_SECONDS or last:
            self._writer.add("progress/fraction", (step + 1) / self._steps, step)
            self._shown_at = time.monotonic()

    def show_epoch(self, step: int, loss: float, report: Report, rows_per_second: float) -> None:
        """Show what the held-out rows say at the end of an epoch, after ``step``."""
        if self._writer is None:
            return
        self._writer.add("loss/validation", loss, step)
        for name, value in report.metrics.items():
            self._writer.add(f"{name}/validation", math.nan if value is None else value, step)
        self._writer.add("speed/rows_per_second", rows_per_second, step)

    def __enter__(self) -> Curves:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer:
            self._writer.close()
