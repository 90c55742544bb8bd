"""The training loop: one way through for every engine and every task.

It chooses how to compute, trains one network or several, evaluates, and leaves the model. The steps
themselves are in ``fit``.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from aimass_jupyter.algorithms import Task, build_network, find_task
from aimass_jupyter.algorithms.combining import Combination
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.evaluation import Report
from aimass_jupyter.host import end_heartbeat, write_record
from aimass_jupyter.training.course import Course
from aimass_jupyter.training.encoded import drop_encoded
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.ensemble import Members, fits_of, train_ensemble
from aimass_jupyter.training.export import CHECKED_ROWS, write_model
from aimass_jupyter.training.fit import fit
from aimass_jupyter.training.held_out import evaluate, in_words
from aimass_jupyter.training.live import Live
from aimass_jupyter.training.probe import choose_way
from aimass_jupyter.training.rows import Rows


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
