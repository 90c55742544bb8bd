"""A course: all of a job's training, which is one fit of a network, or one after the other.

It knows where the fits keep their checkpoints and show their curves, and how far each goes. It
trains nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.evaluation import Report
from aimass_jupyter.training.checkpoint import Checkpoint, Checkpoints, copied, settings_digest
from aimass_jupyter.training.curves import Curves
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.live import Live, OnDisk, Point
from aimass_jupyter.training.loss_guard import LossGuard


class Course:
    """What the fits of a job have in common.

    Parameters
    ----------
    fits
        How many there will be at most.
    fit_steps
        Steps of the longest.
    live
        Follows the steps, and may hold a newer state than the newest checkpoint.
    """

    def __init__(
        self,
        spec: JobSpec,
        folder: Path,
        engine: Engine,
        fits: int = 1,
        fit_steps: int = 0,
        live: Live | None = None,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.engine = engine
        self.writes = engine.place.rank == 0
        self.guard = LossGuard(spec.options.on_nan, folder, engine.place, engine.device)
        self.live = live or OnDisk()
        self._fits = fits
        self._fit_steps = fit_steps
        self._begun = 0
        self._curves: Curves | None = None
        self._open = ExitStack()

    def begin_fit(self) -> tuple[Checkpoints, int]:
        """Return the checkpoints of the next fit, and how many steps the curves show before it."""
        number, self._begun = self._begun, self._begun + 1
        folder = self.folder / "checkpoints"
        folder = folder / f"fit-{number:03d}" if self._fits > 1 else folder
        return Checkpoints(folder, self.spec.options.checkpoints_kept), number * self._fit_steps

    def curves_from(self, step: int) -> Curves:
        """Return the curves; the first that asks says with which step they go on."""
        if self._curves is None:
            folder = self.folder / "tb" if self.writes else None
            point = self.live.point_of(step - 1)
            first = step if point is None else step - 1
            curves = Curves(folder, self._fits * self._fit_steps, first, self.spec)
            self._curves = self._open.enter_context(curves)
            if point is not None:
                curves.show_step(first, *point)
        return self._curves

    def show_ensemble(self, members: int, report: Report) -> None:
        """Show what the held-out rows say of an ensemble of so many members.

        A run that goes on has shown it of those that were finished before.
        """
        if self._curves is not None:
            self._curves.show_ensemble(self._begun * self._fit_steps - 1, members, report)

    def go_on_from(self, checkpoints: Checkpoints, learner: Learner) -> int:
        """Give every rank the same state, rank 0's; return how many steps were done.

        Raises
        ------
        InvalidRequest
            When the newest checkpoint was made with other settings.
        """
        content = b""
        if self.writes:
            newest = self.live.newest(self._begun, checkpoints)
            content = (newest or self.state_of(learner, 0)).encode()
        checkpoint = Checkpoint.decode(self.engine.broadcast(content))
        if checkpoint.meta["settings"] != settings_digest(self.spec):
            raise InvalidRequest(
                "the checkpoints in the job's folder were made with other settings",
                "train in a folder of its own",
            )
        checkpoint.restore(learner.state)
        learner.stopping.progress = checkpoint.meta["stopping"]
        self.live.hold(self._begun, partial(self.state_of, learner), checkpoint.step)
        return checkpoint.step

    def state_of(self, learner: Learner, step: int) -> Checkpoint:
        """Take a learner's state, which is the one after so many steps."""
        return Checkpoint(step, copied(learner.state), self.meta(learner))

    def step(self, before: int, done: int, point: Point) -> None:
        """Note the end of a step; where others may go on from it, its point is not held back."""
        if self.live.in_memory and self._curves:
            self._curves.flush()
        self.live.step(before, done, point)

    def keep(self, checkpoints: Checkpoints, step: int, learner: Learner) -> None:
        """Begin to write a checkpoint; the curve that leads up to it leaves this process first.

        Nothing is kept of a step that the guard ends the job for.
        """
        self.guard.settle()
        if self._curves:
            self._curves.flush()
        checkpoints.save_aside(step, learner.state, self.meta(learner))

    def meta(self, learner: Learner) -> dict[str, Any]:
        """What a checkpoint says beside its tensors."""
        return {"settings": settings_digest(self.spec), "stopping": learner.stopping.progress}

    def __enter__(self) -> Course:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)
