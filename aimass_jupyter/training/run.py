"""``run``: what own code is given. The same code trains on one rank or many, on CPU or GPU.

Every rank has a run of its own. Rank 0 alone writes; what is together is said so, and every rank
must then do it.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import beat, write_record
from aimass_jupyter.training.checkpoint import Checkpoint, Checkpoints
from aimass_jupyter.training.distribution import Batches, distribute
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.events import EventWriter
from aimass_jupyter.training.failure import NotANumber
from aimass_jupyter.training.loss_guard import GradientGuard, say
from aimass_jupyter.training.own_model import write_own_model
from aimass_jupyter.training.run_dataset import RunDataset
from aimass_jupyter.training.run_state import pack_state, restore_state
from aimass_jupyter.training.shown import array, number, step_of, tag_of

_PROGRESS_SECONDS = 0.25


class Params(dict[str, Any]):
    """The options of a job: ``run.params.lr``, or ``run.params.get("lr", 0.1)``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise _no_param(name, self) from None

    def __missing__(self, name: str) -> Any:
        raise _no_param(name, self)


class _NoParam(InvalidRequest, AttributeError):
    """Also an AttributeError, so that ``hasattr`` and ``getattr`` with a default work."""


def _no_param(name: str, params: Params) -> _NoParam:
    option = name.replace("_", "-")
    return _NoParam(
        f"option '--{option}' is not given",
        did_you_mean(name, params, f"give it: --{option} VALUE, or run.params.get('{name}', …)"),
    )


class Run:
    """One rank's side of a job.

    Attributes
    ----------
    name
        The job's.
    rank, size, local_rank
        Which rank this is, of how many, and which of those on this machine.
    device
        Where its tensors belong: its GPU, or the CPU.
    seed
        The job's; torch, NumPy and random begin with it.
    params
        The options that are none of the platform's.
    dataset
        The job's dataset; None when none was named.
    work
        The folder that it runs in; files that are left there can be downloaded.
    dry_run
        Whether it ends after one step.
    restored
        What :meth:`resume` found besides models and optimizers.
    """

    def __init__(self, spec: JobSpec, folder: Path, engine: Engine) -> None:
        place = engine.place
        self.name = spec.name
        self.rank, self.size, self.local_rank = place.rank, place.size, place.local_rank
        self.device = engine.device
        self.seed = spec.seed
        self.params = Params(spec.params)
        self.dry_run = spec.options.dry_run
        self.work = folder / "work"
        self.dataset = RunDataset.open(spec, place) if spec.dataset_path else None
        self.restored: dict[str, Any] = {}
        self._spec = spec
        self._folder = folder
        self._engine = engine
        self._writer: EventWriter | None = None
        self._first_step = 0
        self._logged: dict[str, float] = {}
        self._batches: Batches | None = None
        self._shown_at = 0.0
        self._checkpoints = Checkpoints(folder / "checkpoints", spec.options.checkpoints_kept)

    def log(self, step: int, **metrics: Any) -> None:
        """Add a point to the curve of each metric; rank 0 alone writes them.

        Raises
        ------
        NotANumber
            When ``loss`` is NaN or infinite and the job was to stop at that.
        """
        step = step_of(step)
        values = {name: number(name, value) for name, value in metrics.items()}
        self._logged |= {tag_of(name): value for name, value in values.items()}
        beat(step + 1)
        if writer := self._events():
            for name, value in values.items():
                writer.add(tag_of(name), value, step)
            self._show_batches(writer, step)
        self._check(step, values)

    def histogram(self, step: int, **values: Any) -> None:
        """Show how the numbers of an array or a tensor are distributed; rank 0 alone writes it."""
        if writer := self._events():
            for name, value in values.items():
                writer.histogram(tag_of(name), array(value), step_of(step))

    def image(self, step: int, **pixels: Any) -> None:
        """Show an image: (height, width), with channels last or first; rank 0 alone writes it.

        Whole numbers are 0 to 255, others 0 to 1. A Matplotlib figure is taken as it looks.
        """
        if writer := self._events():
            for name, value in pixels.items():
                writer.image(tag_of(name), array(value), step_of(step))

    def text(self, step: int, **words: str) -> None:
        """Show a text; rank 0 alone writes it."""
        if writer := self._events():
            for name, text in words.items():
                writer.text(tag_of(name), str(text), step_of(step))

    def progress(self, fraction: float) -> None:
        """Say how far the job is, from 0 to 1; loaders that are distributed say it themselves."""
        if writer := self._events():
            writer.add("progress/fraction", min(1.0, max(0.0, float(fraction))), 0)

    def distribute(self, model: nn.Module, optimizer: Any = None, loader: Any = None) -> Any:
        """Make model, optimizer and loader those of all ranks together.

        Every rank begins with rank 0's weights; each step averages the gradients over the rows of
        all ranks; each rank gets its part of every batch of the loader. So one epoch is the same
        steps on any number of ranks, and ``batch_size`` counts the rows of all of them.

        Returns
        -------
        tuple
            Those that were given, in their order; the one alone when one was given.
        """
        skip = self._spec.options.on_nan == "skip"
        guard = GradientGuard(self._folder, self._engine.place) if skip else None
        parts = distribute(
            self._engine, model, optimizer, loader, dry_run=self.dry_run, guard=guard
        )
        if isinstance(parts.loader, Batches):
            self._batches = parts.loader
            self._batches.epochs = _epochs(self.params)
        given = [part for part in (parts.model, parts.optimizer, parts.loader) if part is not None]
        return given[0] if len(given) == 1 else tuple(given)

    def checkpoint(self, step: int, **state: Any) -> None:
        """Keep a state to go on from: models, optimizers, tensors, and what JSON can say.

        All ranks call it; rank 0 writes, whole or not at all, while training goes on. The curves
        that lead up to it leave this process first: they are not logged again.
        """
        if self.rank == 0 and not self.dry_run:
            self._write_events()
            tensors, meta = pack_state(state)
            self._checkpoints.save_aside(step_of(step), tensors, {"state": meta})

    def resume(self, **parts: Any) -> int:
        """Put back what the newest checkpoint holds; the step after which it was taken, or 0.

        All ranks call it. Models and optimizers are given by the names they were kept under; all
        else that was kept is in ``run.restored``.
        """
        found = self._checkpoints.newest() if self.rank == 0 else None
        content = self._engine.broadcast(found.encode() if found else b"-")
        if content == b"-":
            return 0
        checkpoint = Checkpoint.decode(content)
        self.restored = restore_state(checkpoint.tensors, checkpoint.meta["state"], parts)
        self._first_step = checkpoint.step
        if self.rank == 0:
            print(f"going on from the checkpoint after step {checkpoint.step}")
        return checkpoint.step

    def register(
        self,
        model: nn.Module,
        example: Any = None,
        *,
        classes: Iterable[Any] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Make a version of the job's model, ready to be deployed; rank 0 alone does it.

        Parameters
        ----------
        model
            Takes one tensor whose first axis is the rows, and gives one.
        example
            Rows that it takes; not needed when it learns from ``run.dataset.tensors()``.
        classes
            The names of its outputs, when these are the logits of classes.
        metrics
            By default the last values that were logged.
        """
        if self.rank == 0 and not self.dry_run:
            digest = write_own_model(
                self._folder / "bundle.aimass", self._spec, model, example, self.dataset,
                list(classes) if classes is not None else None,
                dict(self._logged if metrics is None else metrics),
            )  # fmt: skip
            print(f"bundle {digest[:12]} written")

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self._engine.add(torch.zeros(1, device=self.device))

    def average(self, value: Any) -> float:
        """The mean of a number over all ranks."""
        total = torch.tensor([float(value)], dtype=torch.float64, device=self.device)
        self._engine.add(total)
        return float(total) / self.size

    def break_off(self) -> None:
        """Write out what was logged until the code failed."""
        if self._writer is not None:
            self._writer.end(succeeded=False)
            self._write_events()

    def finish(self) -> None:
        """Write out what is left, and leave the other ranks."""
        self._checkpoints.wait()
        if writer := self._events():
            writer.add("progress/fraction", 1.0, 0)
            writer.end(succeeded=True)
            writer.close()
        if self.rank == 0:
            values = {n: v if math.isfinite(v) else None for n, v in self._logged.items()}
            write_record(self._folder / "metrics.json", {"metrics": values})
        self._engine.shutdown()

    def _events(self) -> EventWriter | None:
        if self.rank == 0 and self._writer is None:
            self._writer = EventWriter(self._folder / "tb", self._first_step)
            self._writer.begin({**self.params, "np": self.size, "seed": self.seed}, self.name)
        return self._writer

    def _write_events(self) -> None:
        """Hand over to the system what was logged; a full disk gets it later."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.flush()

    def _show_batches(self, writer: EventWriter, step: int) -> None:
        if self._batches is None or time.monotonic() - self._shown_at < _PROGRESS_SECONDS:
            return
        if fraction := self._batches.fraction:
            writer.add("progress/fraction", fraction, step)
            self._shown_at = time.monotonic()

    def _check(self, step: int, values: Mapping[str, float]) -> None:
        wrong = [n for n, v in values.items() if n.startswith("loss") and not math.isfinite(v)]
        if not wrong:
            return
        text = f"{wrong[0]} is {values[wrong[0]]} at step {step}"
        if self._spec.options.on_nan == "stop":
            raise NotANumber(text, "take a smaller step size, or go on: --on-nan skip")
        say(self._folder, self._engine.place, "loss", text)


def _epochs(params: Mapping[str, Any]) -> int | None:
    epochs = params.get("epochs")
    return epochs if isinstance(epochs, int) and epochs > 0 else None
