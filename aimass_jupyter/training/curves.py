"""Curves: what a run shows of itself while it trains, and how often. Rank 0 alone shows it."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from types import TracebackType

from torch import Tensor, nn

from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.evaluation import Report
from aimass_jupyter.training.events import EventWriter
from aimass_jupyter.training.summaries import confusion_pixels

_POINTS_A_RUN = 2000
_PROGRESS_SECONDS = 0.25
_DRAWN_SECONDS = 5.0  # between two drawings of what takes more than a few bytes


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
    spec
        The job, whose hyperparameters are shown beside the curves.
    """

    def __init__(
        self,
        folder: Path | None,
        steps: int,
        first_step: int = 0,
        spec: JobSpec | None = None,
    ) -> None:
        self._writer = EventWriter(folder, first_step) if folder else None
        if self._writer and spec:
            self._writer.begin(spec.params | {"np": spec.np, "seed": spec.seed}, spec.name)
        self._steps = steps
        self._drawn_at = -math.inf
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
        if time.monotonic() - self._drawn_at > _DRAWN_SECONDS or step + 1 >= self._steps:
            self._draw(self._writer, step, report)
            self._drawn_at = time.monotonic()

    def show_ensemble(self, step: int, members: int, report: Report) -> None:
        """Show what the held-out rows say of so many members together, after ``step``."""
        if self._writer is None:
            return
        self._writer.add("members", members, step)
        for name, value in report.metrics.items():
            self._writer.add(f"{name}/ensemble", math.nan if value is None else value, step)

    def show_weights(self, step: int, network: nn.Module, gradients: list[Tensor]) -> None:
        """Show how the weights of each layer, and their gradients, are distributed."""
        if self._writer is None:
            return
        for (name, weights), moved_by in zip(network.named_parameters(), gradients, strict=True):
            self._writer.histogram(f"weights/{name}", weights.detach().float().cpu().numpy(), step)
            self._writer.histogram(f"gradients/{name}", moved_by.float().cpu().numpy(), step)

    def flush(self) -> None:
        """Hand over to the system what was shown; a full disk gets it later."""
        if self._writer:
            with contextlib.suppress(OSError):
                self._writer.flush()

    def _draw(self, writer: EventWriter, step: int, report: Report) -> None:
        """Draw which classes are taken for which, and precision against recall of each."""
        if report.confusion:
            pixels = confusion_pixels(report.confusion)
            writer.image("confusion/validation", pixels, step)
        for name, rows in report.separations.items():
            writer.pr_curve(f"precision_recall/{name}", rows, step)

    def __enter__(self) -> Curves:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer:
            self._writer.end(succeeded=error is None)
            self._writer.close()
