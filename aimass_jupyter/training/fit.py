"""A fit: one network is trained on rows, epoch after epoch, wherever it was left.

It begins or goes on, takes steps, looks at held-out rows and keeps checkpoints. What a step is, the
learner knows; what the fits of a job have in common, the course.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import torch
from torch import nn

from aimass_jupyter.algorithms import Task, share_statistics
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.asked import Asked
from aimass_jupyter.training.augmentation import augmentation
from aimass_jupyter.training.checkpoint import Due
from aimass_jupyter.training.course import Course
from aimass_jupyter.training.curves import Curves
from aimass_jupyter.training.held_out import evaluate, in_words
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.loss_guard import say
from aimass_jupyter.training.rows import Part, Rows
from aimass_jupyter.training.schedule import Schedule


def fit(
    course: Course, params: Hyperparameters, task: Task, rows: Rows, network: nn.Sequential
) -> None:
    """Train a network on rows; it ends with the weights that it shall predict with."""
    watched = None
    if params.patience is not None:
        rows, watched = rows.set_aside(params.stop_fraction)
    if course.engine.place.size > 1:
        share_statistics(network, course.engine.add)
    on_its_way = Fit(course, params, task, rows, network)
    with on_its_way.checkpoints:
        for epoch in on_its_way.epochs_left():
            speed = on_its_way.train(epoch)
            on_its_way.look(epoch + 1, speed, watched)
    on_its_way.settle()


class Fit:
    """A network on its way, and all that changes with it from epoch to epoch.

    Attributes
    ----------
    checkpoints
        Where its state is kept.
    """

    def __init__(
        self,
        course: Course,
        params: Hyperparameters,
        task: Task,
        rows: Rows,
        network: nn.Sequential,
    ) -> None:
        options = course.spec.options
        self._course, self._params, self._task, self._rows = course, params, task, rows
        self._network = network
        self._learner = Learner(params, network, course.engine)
        self._augment = augmentation(params, rows.preprocessing)
        self._steps = rows.steps(params.batch_size)
        self._schedule = Schedule(params, self._steps)
        self._due = Due(
            options.checkpoint_steps,
            options.checkpoint_seconds,
            params.checkpoint_every,
            Asked(course.folder),
        )
        self.checkpoints, self._before = course.begin_fit()
        self._begun = course.go_on_from(self.checkpoints, self._learner)
        if course.writes and self._begun:
            print(f"going on from the checkpoint after step {self._before + self._begun:,}")

    def epochs_left(self) -> Iterator[int]:
        """Yield the epochs that are to be trained, as long as there is progress."""
        for epoch in range(self._begun // self._steps, self._params.epochs):
            if self._learner.stopping.over:
                return
            yield epoch

    def train(self, epoch: int) -> float:
        """Take the steps of an epoch that are left; return the rows a second."""
        rows, steps, device = self._rows, self._steps, self._course.engine.device
        curves = self._curves()
        started = time.perf_counter()
        first = max(0, self._begun - epoch * steps)
        seeds = rows.seeds(epoch, steps)  # what is random does not depend on where we began
        self._network.train()
        for step, batch in enumerate(rows.batches(epoch, steps, first), epoch * steps + first):
            seed_step(seeds[step % steps], device)
            self._step(step, batch, curves)
        return (1 - first / steps) * rows.training_rows / (time.perf_counter() - started)

    def look(self, ended: int, speed: float, watched: Part | None) -> None:
        """Look at the held-out rows after so many epochs; show and keep what came of them.

        ``watched`` are the rows that say whether there is progress.
        """
        course, learner, step = self._course, self._learner, self._before + ended * self._steps
        curves, preprocessing = self._curves(), self._rows.preprocessing
        see = partial(
            evaluate, self._task, self._network, preprocessing=preprocessing, engine=course.engine
        )
        with learner.average.shown():
            loss, report = see(self._rows.held_out)
            if watched is not None:
                learner.stopping.watch(*see(watched), self._network.state_dict())
            course.guard.look_at_held_out(step, loss)
            curves.show_epoch(step - 1, loss, report, speed)
            if course.spec.options.histograms:
                curves.show_weights(step - 1, self._network, learner.weights.of_gradients())
        if course.writes:
            epochs, found = self._params.epochs, in_words(report)
            print(f"epoch {ended}/{epochs}: loss {loss:.4f}, {found}, {speed:,.0f} rows/s")
            last = ended == epochs or learner.stopping.over
            if self._due.after_epoch(ended, self._steps, last=last):
                course.keep(self.checkpoints, ended * self._steps, learner)

    def settle(self) -> None:
        """Leave the network with the weights that it shall predict with."""
        self._learner.settle()
        if self._learner.penalty.emptied(self._learner.weights.values):
            text = f"L1 of {self._params.l1:g} made every weight zero: try a smaller --l1"
            say(self._course.folder, self._course.engine.place, "penalty", text)

    def _step(self, step: int, batch: Part, curves: Curves) -> None:
        """Take a step, show it, and keep a checkpoint when one is due."""
        course, learner, done = self._course, self._learner, step + 1
        pace = self._schedule.at(step)
        batch = self._augment(batch.to(course.engine.device))
        loss = learner.learn(self._task, batch, pace, partial(course.guard.admits, step))
        ends = done % self._steps == 0
        settled = learner.exchange.settle(done, last=ends)
        curves.show_step(self._before + step, loss, pace.rate)
        course.step(self._before, done, (loss, pace.rate))
        if course.writes and settled and not ends and self._due.after_step(done):
            course.keep(self.checkpoints, done, learner)

    def _curves(self) -> Curves:
        return self._course.curves_from(self._before + self._begun)


def seed_step(seed: int, device: torch.device) -> None:
    """Seed what a step draws; ``torch.manual_seed`` takes as long as a small step does."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
