"""Shuffled batches of a large table: the product's rows beside torch's DataLoader.

::

    python benchmarks/input.py [--pairs 5] [--rows 1000000] [--columns 32] [--batch 1024]

Both give the same float32 rows in random order, epoch after epoch. The product reads the files that
a job's ranks map, which it makes once from the data set; the DataLoader has the rows in memory, and
two workers that stay. A segment is an epoch of the product's, and ``--theirs`` batches of the peer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from figures import Comparison, publish, version_of
from torch.utils.data import DataLoader, TensorDataset

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data.dataset import with_columns
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import Rows, open_rows


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=32)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--theirs", type=int, default=400, help="batches of a peer's segment")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = our_rows(Path(folder), options.rows, options.columns)
        loader = DataLoader(
            TensorDataset(rows.training.inputs, rows.training.targets),
            batch_size=options.batch, shuffle=True, num_workers=2, persistent_workers=True,
        )  # fmt: skip
        next(iter(loader))  # the workers have started
        ours, theirs, cpu = [], [], []
        for pair in range(options.pairs):
            processor = time.process_time()
            ours.append(rate(lambda pair=pair: our_epoch(rows, pair, options.batch), sys.maxsize))
            cpu.append(time.process_time() - processor)
            theirs.append(rate(lambda: iter(loader), options.theirs))
            print(f"ours {ours[-1]:.2f}, DataLoader {theirs[-1]:.3f} million rows/s")
    print(f"CPU of an epoch of {rows.training_rows:,} rows: {statistics.median(cpu):.3f} s")
    publish(
        "input",
        [
            Comparison(
                "DataLoader, 2 workers", version_of("torch"), ours, theirs, "M rows/s", 10.0,
                more_is_better=True,
            )
        ],
    )  # fmt: skip


def our_rows(folder: Path, count: int, width: int) -> Rows:
    """Write a data set as the importer would, and open it as a rank does."""
    generator = np.random.default_rng(0)
    columns = {f"c{number}": generator.random(count, np.float32) for number in range(width)}
    table = pa.table(columns | {"y": generator.random(count)})
    described = [Column(name=name, kind="number", type="float64") for name in table.column_names]
    table = with_columns(table, described)
    path = folder / "data.arrow"
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table, max_chunksize=1 << 16)
    spec = JobSpec(
        id="bench", name="bench", engine="single", np=1, algorithm="regression", params={}, seed=0,
        dataset_path=str(path), label="y", python=sys.executable,
    )  # fmt: skip
    params = hyperparameters_of("regression", {"validation_fraction": 1e-6})
    return open_rows(spec, params, Place(), folder)


def our_epoch(rows: Rows, epoch: int, batch: int) -> Iterator[Any]:
    """Yield an epoch as the loop sees it."""
    for part in rows.batches(epoch, rows.steps(batch)):
        yield part.inputs, part.targets


def rate(begin: Callable[[], Iterator[Any]], most: int) -> float:
    """Million rows a second, from the call that begins an epoch on."""
    started, seen = time.perf_counter(), 0
    for number, (inputs, _) in enumerate(begin(), 1):
        seen += len(inputs)
        if number == most:
            break
    return seen / (time.perf_counter() - started) / 1e6


if __name__ == "__main__":
    main()
