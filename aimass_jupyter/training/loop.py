"""The training loop: one function for every engine and every task."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aimass_jupyter.algorithms import Task, build_network, find_task
from aimass_jupyter.contract.algorithms import Hyperparameters
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.evaluation import Report
from aimass_jupyter.host import beat, end_heartbeat, write_record
from aimass_jupyter.training.checkpoint import (
    Checkpoint,
    Checkpoints,
    Due,
    copied,
    settings_digest,
)
from aimass_jupyter.training.curves import Curves
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.export import CHECKED_ROWS, write_model
from aimass_jupyter.training.loss_guard import LossGuard
from aimass_jupyter.training.optimizer import Optimizer, learning_rate, make_optimizer
from aimass_jupyter.training.rows import Rows
from aimass_jupyter.training.weights import Weights

_ROWS_AT_ONCE = 1024


def train(
    spec: JobSpec, params: Hyperparameters, folder: Path, rows: Rows, engine: Engine
) -> None:  # fmt: skip
    """Train, evaluate on the held-out rows, and leave a bundle and ``metrics.json``.

    Every rank calls it with its own rows; rank 0 alone writes. When the folder has checkpoints, it
    goes on from the newest.
    """
    writes = engine.place.rank == 0
    torch.manual_seed(spec.seed)
    task = find_task(spec.algorithm, params)
    shape, outputs = rows.preprocessing.input_shape, rows.preprocessing.output_size
    network = build_network(params, shape, outputs).to(engine.device)
    weights = Weights(network)
    optimizer = make_optimizer(params, weights.values)
    options = spec.options
    checkpoints = Checkpoints(folder / "checkpoints", options.checkpoints_kept)
    due = Due(options.checkpoint_steps, options.checkpoint_seconds, params.checkpoint_every)
    guard = LossGuard(options.on_nan, folder, engine.place)
    state = state_of(network, optimizer)
    meta = {"settings": settings_digest(spec)}
    begun = go_on_from(checkpoints, meta, state, engine)
    steps = rows.steps(params.batch_size)
    total = params.epochs * steps
    introduce(rows, engine, begun)

    with Curves(folder / "tb" if writes else None, total, begun, spec) as curves, checkpoints:
        for epoch in range(begun // steps, params.epochs):
            started = time.perf_counter()
            first = max(0, begun - epoch * steps)
            seeds = rows.seeds(epoch, steps)  # dropout does not depend on where we began
            network.train()
            for step, batch in enumerate(rows.batches(epoch, steps, first), epoch * steps + first):
                batch = batch.to(engine.device)
                torch.manual_seed(seeds[step % steps])
                rate = learning_rate(step, total, params.learning_rate)
                weights.clear_gradients()
                loss = task.loss(network(batch.inputs), batch.targets)
                loss.backward()
                mean_loss = weights.average(engine, loss, len(batch))
                if guard.admits(step, loss, mean_loss, weights.gradients):
                    optimizer.step(weights.values, weights.gradients, rate)
                curves.show_step(step, mean_loss, rate)
                done = step + 1
                beat(done)
                if writes and done % steps and due.after_step(done):
                    checkpoints.save_aside(done, state, meta)
            speed = (1 - first / steps) * rows.training_rows / (time.perf_counter() - started)
            held_out_loss, report = evaluate(task, network, rows, engine)
            ended = epoch + 1
            curves.show_epoch(ended * steps - 1, held_out_loss, report, speed)
            if options.histograms:
                curves.show_weights(ended * steps - 1, network)
            if writes:
                print(describe_epoch(ended, params.epochs, held_out_loss, report, speed))
                if due.after_epoch(ended, steps, last=ended == params.epochs):
                    checkpoints.save_aside(ended * steps, state, meta)

    _, report = evaluate(task, network, rows, engine)
    engine.shutdown()
    end_heartbeat(folder, engine.place.rank)
    if writes:
        finish(spec, folder, network.cpu(), rows, report)


def state_of(network: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Return all that training changes, by name; the tensors themselves, not copies."""
    named = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    return named | {f"optimizer.{name}": tensor for name, tensor in optimizer.state.items()}


def go_on_from(
    checkpoints: Checkpoints, meta: dict[str, Any], state: dict[str, Tensor], engine: Engine
) -> int:
    """Give every rank the same state, rank 0's; return how many steps were done.

    Raises
    ------
    InvalidRequest
        When the newest checkpoint was made with other settings.
    """
    content = b""
    if engine.place.rank == 0:
        content = (checkpoints.newest() or Checkpoint(0, copied(state), meta)).encode()
    checkpoint = Checkpoint.decode(engine.broadcast(content))
    if checkpoint.meta["settings"] != meta["settings"]:
        raise InvalidRequest(
            "the checkpoints in the job's folder were made with other settings",
            "train in a folder of its own",
        )
    checkpoint.restore(state)
    return checkpoint.step


def evaluate(
    task: Task, network: nn.Module, rows: Rows, engine: Engine
) -> tuple[float, Report]:  # fmt: skip
    """Return the mean loss and the report on the held-out rows of all ranks."""
    network.eval()
    part = rows.held_out.to(engine.device)
    with torch.no_grad():
        outputs = torch.cat([network(inputs) for inputs in part.inputs.split(_ROWS_AT_ONCE)])
        outputs, targets = engine.gather(outputs), engine.gather(part.targets)
        loss = float(task.loss(outputs, targets)) / len(targets)
    return loss, task.report(outputs.cpu().numpy(), targets.cpu().numpy(), rows.preprocessing)


def finish(
    spec: JobSpec, folder: Path, network: nn.Sequential, rows: Rows, report: Report
) -> None:  # fmt: skip
    """Leave the bundle and the report behind."""
    examples = rows.held_out.inputs[:CHECKED_ROWS]
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


def introduce(rows: Rows, engine: Engine, begun: int) -> None:
    """Say what this rank has before it begins."""
    place = engine.place
    print(
        f"rank {place.rank} of {place.size} on {engine.device}: "
        f"{rows.training_rows:,} rows to train on, {rows.held_out_rows:,} held out"
    )
    if place.rank == 0:
        for name, reason in rows.preprocessing.dropped.items():
            print(f"column '{name}' is not learnt from: {reason}")
        if begun:
            print(f"going on from the checkpoint after step {begun:,}")


def describe_epoch(epoch: int, epochs: int, loss: float, report: Report, speed: float) -> str:
    """One line for the log."""
    return f"epoch {epoch}/{epochs}: loss {loss:.4f}, {in_words(report)}, {speed:,.0f} rows/s"


def in_words(report: Report) -> str:
    """The metrics of a report, as a line tells them."""
    shown = (
        f"{n} {'not a number' if v is None else f'{v:.4f}'}" for n, v in report.metrics.items()
    )
    return ", ".join(shown)
