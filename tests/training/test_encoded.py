"""Encoded rows: the same from files as from memory, once for all ranks, within bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data.dataset import described_columns, open_dataset, with_columns
from aimass_jupyter.training.encoded import drop_encoded
from aimass_jupyter.training.fitting import Labels, fit_preprocessing
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.row_order import RowOrder
from aimass_jupyter.training.rows import Rows, open_rows
from tests.training.conftest import MakeSpec, rows_of


def in_files(spec: JobSpec, folder: Path, place: Place | None = None) -> Rows:
    params = hyperparameters_of(spec.algorithm, spec.params)
    return open_rows(spec, params, place or Place(), folder, small_bytes=0)


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes"])
def test_files_hold_what_memory_would(make_spec: MakeSpec, tmp_path: Path, name: str) -> None:
    spec = make_spec(name)
    for place in (Place(0, 2), Place(1, 2)):
        wanted, got = rows_of(spec, place), in_files(spec, tmp_path, place)
        for ours, theirs in ((got.training, wanted.training), (got.held_out, wanted.held_out)):
            assert torch.equal(ours.inputs, theirs.inputs)
            assert torch.equal(ours.targets, theirs.targets)
        for ours, theirs in zip(got.batches(1, 5), wanted.batches(1, 5), strict=True):
            assert torch.equal(ours.inputs, theirs.inputs)


def test_one_rank_encodes_and_the_files_go_while_they_are_used(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = make_spec("iris")
    first = in_files(spec, tmp_path, Place(0, 2))
    written = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "rows").iterdir()}
    in_files(spec, tmp_path, Place(1, 2))
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "rows").iterdir()} == written
    before = first.training.inputs.clone()
    drop_encoded(tmp_path)
    assert not (tmp_path / "rows").exists()
    assert torch.equal(first.training.inputs, before)


def test_text_labels_split_as_they_did(tmp_path: Path) -> None:
    """Codes stand for text: the same rows are held out, the same classes are told apart."""
    colours = ["red", None, "blue", "Ärger", "blue", "red", "Ärger", "red"] * 5
    table = pa.table({"colour": colours, "x": np.arange(40.0)})
    labels = Labels.of(table, "colour")
    assert labels.rows.tolist() == [row for row, colour in enumerate(colours) if colour]
    assert labels.values is not None
    assert labels.values[labels.codes].tolist() == [colour for colour in colours if colour]
    assert labels.values.tolist() == sorted({colour for colour in colours if colour})


def test_of_many_rows_a_sample_is_fitted_on_but_every_class_is_known(make_spec: MakeSpec) -> None:
    spec = make_spec("digits")
    table = open_dataset(spec.dataset_path)
    labels = Labels.of(table, "digit")
    columns = described_columns(table)
    fitted = [
        fit_preprocessing(
            table, columns, labels, np.arange(1500), "classification", seed, many_rows=20
        )
        for seed in (3, 3)
    ]
    assert fitted[0] == fitted[1]
    assert fitted[0].output_size == 10


@given(st.integers(1, 5000), st.integers(1, 60), st.integers(1, 9), st.integers(1, 5))
def test_every_order_shows_every_row_once(rows: int, steps: int, block: int, window: int) -> None:
    order = RowOrder(rows, block, window)
    batches = list(order.batches([0, 1], min(steps, rows)))
    sizes = [len(batch) for batch in batches]
    assert sizes == [len(part) for part in np.array_split(np.arange(rows), min(steps, rows))]
    assert np.sort(np.concatenate(batches)).tolist() == list(range(rows))
    again = list(order.batches([0, 1], min(steps, rows)))
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


def test_small_data_is_shuffled_as_a_whole_and_large_data_by_windows() -> None:
    small = RowOrder.of(1000, 4)
    wanted = np.array_split(np.random.default_rng([5, 2]).permutation(1000), 7)
    for got, want in zip(small.batches([5, 2], 7), wanted, strict=True):
        assert np.array_equal(got, want)
    large = RowOrder.of(1 << 22, 1 << 10)
    assert (large.block, large.window) == (1 << 10, 1 << 8)
    first = next(large.batches([0], 1 << 12))
    assert len(np.unique(first // large.block)) <= large.window
    assert len(np.unique(first // large.block)) > 100  # rows of many blocks, not of one


MEASURE = """
import sys, threading, time
from pathlib import Path
from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import open_rows

def held():
    text = Path("/proc/self/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0]) >> 10

def watch():
    global most
    while True:
        most = max(most, held())
        time.sleep(0.002)

folder = Path(sys.argv[1])
spec = JobSpec.model_validate_json((folder / "spec.json").read_bytes())
params = hyperparameters_of(spec.algorithm, spec.params)
most = before = held()
threading.Thread(target=watch, daemon=True).start()
rows = open_rows(spec, params, Place(), folder)
for part in rows.batches(0, 100):
    part.inputs.sum()
print(most - before, rows.training.inputs.nbytes >> 20)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(make_spec: MakeSpec, tmp_path: Path) -> None:
    """Of 214 MB that are trained on, a rank has little in memory of its own."""
    count, width = 1_000_000, 70
    generator = np.random.default_rng(0)
    columns = {f"c{number}": generator.random(count, np.float32) for number in range(width)}
    table = pa.table(columns | {"y": generator.integers(0, 2, count)})
    described = [
        Column(name=name, kind="number", type="float") for name in columns
    ] + [Column(name="y", kind="category", type="int64")]  # fmt: skip
    path = tmp_path / "data.arrow"
    with pa.ipc.new_file(path, with_columns(table, described).schema) as file:
        file.write_table(with_columns(table, described), max_chunksize=1 << 16)
    spec = make_spec("iris").model_copy(update={"dataset_path": str(path), "label": "y"})
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    program = [sys.executable, "-c", MEASURE, str(tmp_path)]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    held, trained_on = map(int, said.split())
    assert trained_on == 213
    assert held < trained_on / 2
