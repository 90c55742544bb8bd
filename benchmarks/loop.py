"""The product's training loop beside one that is written by hand, with everything else the same.

::

    python benchmarks/loop.py [--pairs 5] [--epochs 3] [--rows 40000]

Same rows in memory, same network and first weights, same AdamW (torch's fused one by hand), same
schedule, batches of the same size, dropout, and the held-out rows evaluated after each epoch, on
one rank and one thread. The product's also writes curves, a heartbeat and checkpoints, and looks at
every loss; the other looks at every loss and keeps its weights after each epoch.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from figures import Comparison, publish
from torch import nn
from torch.nn.functional import cross_entropy

from aimass_jupyter.algorithms import build_network, find_task, hyperparameters_of
from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data.dataset import with_columns
from aimass_jupyter.training.course import Course
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.loop import train_network
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import Rows, open_rows

FEATURES, CLASSES = 64, 10


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=40_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        spec = make_spec(Path(folder), options.rows, options.epochs)
        params = hyperparameters_of(spec.algorithm, spec.params)
        rows = open_rows(spec, params, Place())
        found: dict[str, list[float]] = {
            name: [] for name in ("ours", "theirs", "cpu", "their cpu")
        }
        for pair in range(options.pairs + 1):
            job = Path(folder) / f"job-{pair}"
            wall, cpu, loss = timed(lambda job=job: our_loop(spec, params, rows, job))
            their_wall, their_cpu, their_loss = timed(lambda job=job: by_hand(params, rows, job))
            print(
                f"ours {wall:.3f} s, loss {loss:.4f}; "
                f"by hand {their_wall:.3f} s, loss {their_loss:.4f}"
            )
            if pair:  # the first of both is a rehearsal
                for name, value in zip(found, (wall, their_wall, cpu, their_cpu), strict=True):
                    found[name].append(value)
    version = torch.__version__
    publish(
        "loop",
        [
            Comparison("by hand", version, found["ours"], found["theirs"], "s", 0.97),
            Comparison(
                "by hand, CPU time", version, found["cpu"], found["their cpu"], "CPU-s", 0.97
            ),
        ],
    )


def timed(work: Callable[[], float]) -> tuple[float, float, float]:
    """Wall and processor seconds of some work, and what it gives back."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def make_spec(folder: Path, count: int, epochs: int) -> JobSpec:
    """Write a data set with something to learn."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(count, FEATURES)).astype(np.float32)
    labels = (points @ generator.normal(size=(FEATURES, CLASSES))).argmax(1)
    columns = {f"c{number}": points[:, number] for number in range(FEATURES)}
    table = pa.table(columns | {"y": labels})
    described = [Column(name=name, kind="number", type="float64") for name in columns]
    described.append(Column(name="y", kind="category", type="int64"))
    table = with_columns(table, described)
    path = folder / "data.arrow"
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    params = {"epochs": epochs, "batch_size": 256, "hidden": 256, "layers": 2}
    return JobSpec(
        id="bench", name="bench", engine="single", np=1, algorithm="classification", params=params,
        seed=0, dataset_path=str(path), label="y", python=sys.executable,
    )  # fmt: skip


def our_loop(spec: JobSpec, params: Hyperparameters, rows: Rows, folder: Path) -> float:
    """Train as a job does; the last loss on the held-out rows."""
    folder.mkdir()
    torch.manual_seed(spec.seed)
    task = find_task(spec.algorithm, params)
    task.prepare(rows.preprocessing, rows.training.targets)
    with Course(spec, folder, SingleEngine(Place()), 1, params.epochs * rows.steps(256)) as course:
        network = train_network(course, params, task, rows)
    return held_out_loss(network, rows)


def held_out_loss(network: nn.Module, rows: Rows) -> float:
    """The mean loss on the held-out rows."""
    network.eval()
    with torch.no_grad():
        parts = [network(inputs) for inputs in rows.held_out.inputs.split(1024)]
        return float(cross_entropy(torch.cat(parts), rows.held_out.targets))


def by_hand(params: Hyperparameters, rows: Rows, folder: Path) -> float:
    """Train with a loop as people write it; the last loss on the held-out rows."""
    torch.manual_seed(0)
    inputs, targets = rows.training.inputs, rows.training.targets
    network = build_network(params, rows.preprocessing.input_shape, CLASSES)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay, fused=True
    )
    count, size = len(targets), params.batch_size
    total = params.epochs * math.ceil(count / size)
    warm_up = max(1, round(0.05 * total))
    step = 0
    loss = math.inf
    for epoch in range(params.epochs):
        network.train()
        order = torch.randperm(count)
        for start in range(0, count, size):
            chosen = order[start : start + size]
            if step < warm_up:
                rate = params.learning_rate * (step + 1) / warm_up
            else:
                done = (step - warm_up) / max(1, total - warm_up)
                share = 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
                rate = params.learning_rate * share
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            batch_loss = cross_entropy(network(inputs[chosen]), targets[chosen])
            batch_loss.backward()
            if not math.isfinite(batch_loss.item()):
                raise SystemExit("the loss is no number")
            optimizer.step()
            step += 1
        loss = held_out_loss(network, rows)
        state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, folder / f"by-hand-{epoch}.pt")
    return loss


if __name__ == "__main__":
    main()
