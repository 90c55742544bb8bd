"""The training loop: one function for every engine and every task."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import nn

from aimass_jupyter.algorithms import Task, build_network, find_task, share_statistics
from aimass_jupyter.algorithms.combining import Combination
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report
from aimass_jupyter.host import end_heartbeat, write_record
from aimass_jupyter.training.asked import Asked
from aimass_jupyter.training.augmentation import augmentation
from aimass_jupyter.training.checkpoint import Due
from aimass_jupyter.training.course import Course
from aimass_jupyter.training.encoded import drop_encoded
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.ensemble import Members, fits_of, train_ensemble
from aimass_jupyter.training.export import CHECKED_ROWS, write_model
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.live import Live
from aimass_jupyter.training.loss_guard import say
from aimass_jupyter.training.probe import choose_way
from aimass_jupyter.training.rows import Part, Rows
from aimass_jupyter.training.schedule import Schedule

_ROWS_AT_ONCE = 1024


def train(
    spec: JobSpec,
    params: Hyperparameters,
    folder: Path,
    rows: Rows,
    engine: Engine,
    live: Live | None = None,
) -> None:
    """Train, evaluate on the held-out rows, and leave a bundle and ``metrics.json``.

    Every rank calls it with its own rows; rank 0 alone writes. It goes on from what ``live`` holds,
    or from the newest checkpoint in the folder.
    """
    torch.manual_seed(spec.seed)
    task = find_task(spec.algorithm, params)
    task.prepare(rows.preprocessing, rows.training.targets)
    introduce(rows, engine)
    params = choose_way(params, task, rows, engine, folder)
    if engine.place.rank == 0:
        drop_encoded(folder)  # all ranks are here, so all have opened it
    fit_steps = params.epochs * rows.steps(params.batch_size)
    with Course(spec, folder, engine, fits_of(params), fit_steps, live) as course:
        network = train_network(course, params, task, rows)

    _, report = evaluate(task, network, rows.held_out, rows.preprocessing, engine)
    engine.shutdown()
    end_heartbeat(folder, engine.place.rank)
    if course.writes:
        finish(spec, folder, network.cpu(), rows, report)


def train_network(
    course: Course, params: Hyperparameters, task: Task, rows: Rows
) -> nn.Module:  # fmt: skip
    """Return a trained network, which may be several that answer as one."""
    preprocessing, engine = rows.preprocessing, course.engine

    def tell(members: int, network: Combination) -> None:
        _, report = evaluate(task, network.to(engine.device), rows.held_out, preprocessing, engine)
        course.show_ensemble(members, report)
        if course.writes:
            print(f"{members} of {params.members} members: {in_words(report)}")

    if params.ensemble != "none":
        return train_ensemble(Members(course, params, task, rows, fit, tell))
    network = build_network(params, preprocessing.input_shape, preprocessing.output_size)
    fit(course, params, task, rows, network.to(engine.device))
    return network


def fit(
    course: Course, params: Hyperparameters, task: Task, rows: Rows, network: nn.Sequential
) -> None:
    """Train a network on rows; it ends with the weights that it shall predict with."""
    engine, options = course.engine, course.spec.options
    watched = None
    if params.patience is not None:
        rows, watched = rows.set_aside(params.stop_fraction)
    if engine.place.size > 1:
        share_statistics(network, engine.add)
    learner = Learner(params, network, engine)
    weights, precision, stopping = learner.weights, learner.precision, learner.stopping
    exchange = learner.exchange
    augment = augmentation(params, rows.preprocessing)
    steps = rows.steps(params.batch_size)
    schedule = Schedule(params, steps)
    due = Due(
        options.checkpoint_steps,
        options.checkpoint_seconds,
        params.checkpoint_every,
        Asked(course.folder),
    )
    checkpoints, before = course.begin_fit()
    begun = course.go_on_from(checkpoints, learner)
    if course.writes and begun:
        print(f"going on from the checkpoint after step {before + begun:,}")

    with checkpoints:
        for epoch in range(begun // steps, params.epochs):
            if stopping.over:
                break
            curves = course.curves_from(before + begun)
            started = time.perf_counter()
            first = max(0, begun - epoch * steps)
            seeds = rows.seeds(epoch, steps)  # what is random does not depend on where we began
            network.train()
            for step, batch in enumerate(rows.batches(epoch, steps, first), epoch * steps + first):
                seed_step(seeds[step % steps], engine.device)
                pace = schedule.at(step)
                batch = augment(batch.to(engine.device))
                loss = learner.backward(task, batch)
                mean_loss = exchange.average(loss, len(batch))
                sound = not precision.overflowed(weights.gradients, mean_loss)
                if sound and course.guard.admits(step, loss, mean_loss, weights.gradients):
                    learner.update(pace)
                done = step + 1
                settled = exchange.settle(done, last=done % steps == 0)
                curves.show_step(before + step, mean_loss, pace.rate)
                course.step(before, done, (mean_loss, pace.rate))
                if course.writes and settled and done % steps and due.after_step(done):
                    course.keep(checkpoints, done, learner)
            speed = (1 - first / steps) * rows.training_rows / (time.perf_counter() - started)
            ended = epoch + 1
            with learner.average.shown():
                loss_now, report = evaluate(
                    task, network, rows.held_out, rows.preprocessing, engine
                )
                if watched is not None:
                    seen = evaluate(task, network, watched, rows.preprocessing, engine)
                    stopping.watch(*seen, network.state_dict())
                course.guard.look_at_held_out(before + ended * steps, loss_now)
                curves.show_epoch(before + ended * steps - 1, loss_now, report, speed)
                if options.histograms:
                    curves.show_weights(before + ended * steps - 1, network)
            if course.writes:
                print(describe_epoch(ended, params.epochs, loss_now, report, speed))
                last = ended == params.epochs or stopping.over
                if due.after_epoch(ended, steps, last=last):
                    course.keep(checkpoints, ended * steps, learner)
    learner.settle()
    if learner.penalty.emptied(weights.values):
        text = f"L1 of {params.l1:g} made every weight zero: try a smaller --l1"
        say(course.folder, engine.place, "penalty", text)


def seed_step(seed: int, device: torch.device) -> None:
    """Seed what a step draws; ``torch.manual_seed`` takes as long as a small step does."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def evaluate(
    task: Task, network: nn.Module, part: Part, preprocessing: Preprocessing, engine: Engine
) -> tuple[float, Report]:  # fmt: skip
    """Return the mean loss and the report on rows that each rank has a part of."""
    network.eval()
    part = part.to(engine.device)
    with torch.no_grad():
        outputs = torch.cat(
            [network(part.unpacked(rows)) for rows in part.inputs.split(_ROWS_AT_ONCE)]
        )
        outputs, targets = engine.gather(outputs), engine.gather(part.targets)
        loss = float(task.loss(outputs, targets)) / len(targets)
    return loss, task.report(outputs.cpu().numpy(), targets.cpu().numpy(), preprocessing)


def finish(
    spec: JobSpec, folder: Path, network: nn.Module, rows: Rows, report: Report
) -> None:  # fmt: skip
    """Leave the bundle and the report behind."""
    examples = rows.held_out.unpacked(rows.held_out.inputs[:CHECKED_ROWS])
    digest = write_model(
        folder / "bundle.aimass", spec, network, rows.preprocessing, report, examples
    )
    record = report.as_record() | {
        "training_rows": rows.training_rows,
        "dropped_columns": rows.preprocessing.dropped,
        "bundle": digest,
    }
    write_record(folder / "metrics.json", record)
    print(f"held out: {in_words(report)}; bundle {digest[:12]} written")


def introduce(rows: Rows, engine: Engine) -> None:
    """Say what this rank has before it begins."""
    place = engine.place
    print(
        f"rank {place.rank} of {place.size} on {engine.device}: "
        f"{rows.training_rows:,} rows to train on, {rows.held_out_rows:,} held out"
    )
    if place.rank == 0:
        for name, reason in rows.preprocessing.dropped.items():
            print(f"column '{name}' is not learnt from: {reason}")


def describe_epoch(epoch: int, epochs: int, loss: float, report: Report, speed: float) -> str:
    """One line for the log."""
    return f"epoch {epoch}/{epochs}: loss {loss:.4f}, {in_words(report)}, {speed:,.0f} rows/s"


def in_words(report: Report) -> str:
    """The metrics of a report, as a line tells them."""
    shown = (
        f"{n} {'not a number' if v is None else f'{v:.4f}'}" for n, v in report.metrics.items()
    )
    return ", ".join(shown)
