"""Local steps on two ranks: speed over the floor, and the loss that they lead to.

::

    python benchmarks/step_local.py [--pairs 5] [--every 8] [--epochs 6] [--seeds 5]

Speed: a step of 4.5 million parameters that meets every ``--every`` steps, against the same step by
processes that exchange nothing, as in step_sync.py. Loss: the same training once with a meeting at
every step and once with local steps, from several seeds; held-out loss at equal samples, and at
equal time, medians.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from figures import Comparison, publish
from ranks import on_ranks
from step_sync import RANKS, WIDTHS, Ours, eager, finite, import_peers, network
from torch import nn
from torch.nn.functional import cross_entropy

from aimass_jupyter.algorithms import build_network, find_task, hyperparameters_of
from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data.dataset import with_columns
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.rows import open_rows
from aimass_jupyter.training.schedule import Schedule

Curve = list[tuple[float, float]]  # held-out loss and seconds after each epoch
ROWS = 60_000
LOSS_EVERY = 4  # local steps in the comparison of losses: the fewest that count as local


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--every", type=int, default=8, help="steps between two meetings")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--batch", type=int, default=128, help="rows a rank")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    import_peers()
    speed = partial(take_turns, options.pairs, options.steps, options.batch, options.every)
    ranks = on_ranks("torchrun", RANKS, speed)
    comparisons = [
        Comparison(
            f"no exchange, {what}",
            torch.__version__,
            joined(ranks, "local", key),
            joined(ranks, "floor", key),
            unit,
            0.95,
        )
        for what, key, unit in (("wall time", "wall", "ms"), ("CPU time", "cpu", "CPU-ms"))
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder))
        both = partial(train_both, folder, options.epochs, options.seeds)
        losses = on_ranks("torchrun", RANKS, both)[0]
    comparisons += compare_losses(losses)
    publish("step-local", comparisons)


def joined(ranks: list[Any], name: str, key: str) -> list[float]:
    """Wall time is the slower rank's, CPU time that of all."""
    join = max if key == "wall" else sum
    return [join(pair) for pair in zip(*(rank[name][key] for rank in ranks), strict=True)]


def take_turns(pairs: int, steps: int, batch: int, every: int, engine: Engine) -> dict[str, Any]:
    """On each rank: segments of either, in turn."""
    ways = {
        "floor": eager(network()),
        "local": Ours(network(), engine, "auto", local_steps=every),
    }
    torch.manual_seed(engine.place.rank)
    inputs, targets = torch.randn(batch, WIDTHS[0]), torch.randint(0, WIDTHS[-1], (batch,))
    found: dict[str, Any] = {name: {"wall": [], "cpu": []} for name in ways}
    for pair in range(pairs + 1):
        for name, step in ways.items():
            engine.add(torch.ones(1))  # all ranks begin together
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                step(inputs, targets)
            if pair:
                found[name]["cpu"].append((time.process_time() - cpu) / steps * 1e3)
                found[name]["wall"].append((time.perf_counter() - wall) / steps * 1e3)
    return found


def write_rows(folder: Path) -> None:
    """Write rows whose labels are drawn, not certain: there is a loss that no training beats."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(ROWS, 20)).astype(np.float32)
    logits = np.tanh(points @ generator.normal(size=(20, 20))) @ generator.normal(size=(20, 10))
    labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    columns = {f"c{number}": points[:, number] for number in range(20)}
    described = [Column(name=name, kind="number", type="float64") for name in columns]
    described.append(Column(name="y", kind="category", type="int64"))
    table = with_columns(pa.table(columns | {"y": labels}), described)
    with pa.ipc.new_file(folder / "data.arrow", table.schema) as file:
        file.write_table(table)


def train_both(folder: str, epochs: int, seeds: int, engine: Engine) -> list[dict[str, Curve]]:
    """On each rank, for each seed: train with and without local steps."""
    return [
        {
            name: train(folder, {"epochs": epochs, "local_steps": every}, seed, engine)
            for name, every in (("sync", 1), ("local", LOSS_EVERY))
        }
        for seed in range(seeds)
    ]


def train(folder: str, changes: dict[str, Any], seed: int, engine: Engine) -> Curve:
    """The loop's own steps, without curves and checkpoints."""
    params = hyperparameters_of("classification", {"batch_size": 256, "dropout": 0, **changes})
    spec = JobSpec(
        id="bench", name="bench", engine="torchrun", np=RANKS, algorithm="classification",
        params=params.model_dump(), seed=seed, dataset_path=f"{folder}/data.arrow", label="y",
        python=sys.executable,
    )  # fmt: skip
    rows = open_rows(spec, params, engine.place)
    torch.manual_seed(seed)
    preprocessing = rows.preprocessing
    net = build_network(params, preprocessing.input_shape, preprocessing.output_size)
    task = find_task("classification", params)
    task.prepare(preprocessing, rows.training.targets)
    learner = Learner(params, net, engine)
    steps = rows.steps(params.batch_size)
    schedule = Schedule(params, steps)
    found, spent = [], 0.0
    for epoch in range(params.epochs):
        started = time.perf_counter()
        for step, batch in enumerate(rows.batches(epoch, steps), epoch * steps):
            learner.learn(task, batch, schedule.at(step), finite)
            learner.exchange.settle(step + 1, last=(step + 1) % steps == 0)
        spent += time.perf_counter() - started
        found.append((held_out(net, engine, rows.held_out.inputs, rows.held_out.targets), spent))
    return found


def held_out(net: nn.Module, engine: Engine, inputs: torch.Tensor, targets: torch.Tensor) -> float:
    """The mean loss on the held-out rows of all ranks."""
    with torch.no_grad():
        sums = torch.stack(
            [
                cross_entropy(net(inputs), targets, reduction="sum"),
                torch.tensor(float(len(targets))),
            ]
        )
    engine.add(sums)
    return float(sums[0] / sums[1])


def compare_losses(found: list[dict[str, Curve]]) -> list[Comparison]:
    """At equal samples the last epoch of both; at equal time the last that both had time for."""
    samples: dict[str, list[float]] = {"sync": [], "local": []}
    seconds: dict[str, list[float]] = {"sync": [], "local": []}
    for seed, curves in enumerate(found):
        time_of_both = min(curve[-1][1] for curve in curves.values())
        for name, curve in curves.items():
            samples[name].append(curve[-1][0])
            seconds[name].append([loss for loss, spent in curve if spent <= time_of_both][-1])
        last = {name: f"{losses[-1]:.4f}" for name, losses in samples.items()}
        print(f"seed {seed}: {last}, in {time_of_both:.2f} s {seconds['sync'][-1]:.4f}, "
              f"{seconds['local'][-1]:.4f}")  # fmt: skip
    version, note = torch.__version__, f"every {LOSS_EVERY} steps"
    return [
        Comparison(f"synchronous, loss at equal {what}", version, losses["local"], losses["sync"],
                   "loss", 0.995, note=note)
        for what, losses in (("samples", samples), ("time", seconds))
    ]  # fmt: skip


if __name__ == "__main__":
    main()
