"""The loop, on real data: what it learns, that it repeats itself, that it goes on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from aimass_jupyter.bundle import WEIGHTS, open_member, read_manifest
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import columns_of, open_dataset, split_rows
from aimass_jupyter.host import read_notices
from aimass_jupyter.inference import load_bundle
from aimass_jupyter.training import course
from aimass_jupyter.training.checkpoint import Checkpoints
from aimass_jupyter.training.failure import NotANumber
from aimass_jupyter.training.loss_guard import LossGuard
from tests.training.conftest import MakeSpec, histograms, train_here


@pytest.mark.parametrize(
    ("name", "metric", "least"),
    [
        ("iris", "accuracy", 0.9),
        ("wine", "accuracy", 0.94),
        ("breast_cancer", "accuracy", 0.95),
        ("diabetes", "r2", 0.3),
    ],
)
def test_tables_are_learnt_with_the_defaults(
    make_spec: MakeSpec, tmp_path: Path, name: str, metric: str, least: float
) -> None:
    metrics = train_here(make_spec(name, epochs=20, seed=1), tmp_path)["metrics"]
    assert metrics[metric] >= least


def test_images_are_learnt_with_the_defaults(make_spec: MakeSpec, tmp_path: Path) -> None:
    assert train_here(make_spec("digits"), tmp_path)["metrics"]["accuracy"] >= 0.97


def test_what_it_leaves_behind(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("wine", epochs=3)
    spec = spec.model_copy(update={"options": JobOptions(histograms=True)})
    record = train_here(spec, tmp_path)
    manifest = read_manifest(tmp_path / "bundle.aimass")
    assert manifest.metrics == record["metrics"]
    assert (manifest.dataset, manifest.job, manifest.params) == ("wine@1", "job_1", spec.params)
    assert {"torch", "onnx"} <= set(manifest.libraries)
    assert record["rows"] + record["training_rows"] == 178
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    for last in ("weights/1.weight", "gradients/1.weight"):
        assert [shown.histogram_value.num for shown in histograms(tmp_path, last)] == [13 * 128] * 3


def test_the_bundle_answers_as_the_report_says(make_spec: MakeSpec, tmp_path: Path) -> None:
    """On the held-out rows, through preprocessing and ONNX, it is right as often as was told."""
    spec = make_spec("breast_cancer", epochs=5)
    accuracy = train_here(spec, tmp_path)["metrics"]["accuracy"]
    table = open_dataset(spec.dataset_path)
    labels = columns_of(table, [spec.label])[spec.label]
    _, held_out = split_rows(labels, spec.params["validation_fraction"], spec.seed, stratify=True)
    columns = columns_of(table.take(held_out))
    given = load_bundle(tmp_path / "bundle.aimass").predict(columns)["label"]
    assert (given == columns[spec.label]).mean() == pytest.approx(accuracy)


def test_the_same_seed_gives_the_same_model(make_spec: MakeSpec, tmp_path: Path) -> None:
    weights = []
    for number, seed in enumerate((3, 3, 4)):
        folder = tmp_path / str(number)
        train_here(make_spec("iris", seed=seed, epochs=2), folder)
        weights.append(load(open_member(folder / "bundle.aimass", WEIGHTS)))
    first, again, other = weights
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("step", [3, 5, 9, 10])
def test_going_on_gives_what_going_through_gives(
    make_spec: MakeSpec, tmp_path: Path, step: int
) -> None:
    """Also from the middle of an epoch: 2 steps each."""
    spec = make_spec("iris", epochs=6, dropout=0.3)
    options = JobOptions(checkpoint_steps=1, checkpoints_kept=20)
    spec = spec.model_copy(update={"options": options})
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train_here(spec, whole)
    shutil.copytree(whole / "checkpoints", resumed / "checkpoints")
    for path in (resumed / "checkpoints").iterdir():
        if path.name > f"step-{step:09d}.safetensors":
            path.unlink()
    train_here(spec, resumed)
    before, after = (load(open_member(f / "bundle.aimass", WEIGHTS)) for f in (whole, resumed))
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_complete_run_is_only_finished_again(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("iris", epochs=3)
    metrics = train_here(spec, tmp_path)["metrics"]
    (tmp_path / "bundle.aimass").unlink()
    assert train_here(spec, tmp_path)["metrics"] == metrics
    assert read_manifest(tmp_path / "bundle.aimass").metrics == metrics


def test_checkpoints_of_other_settings_are_refused(make_spec: MakeSpec, tmp_path: Path) -> None:
    train_here(make_spec("iris", epochs=1), tmp_path)
    with pytest.raises(InvalidRequest, match="other settings"):
        train_here(make_spec("iris", epochs=1, seed=9), tmp_path)


def diverging(make_spec: MakeSpec, on_nan: str) -> JobSpec:
    spec = make_spec("diabetes", epochs=3, optimizer="sgd", learning_rate=100.0)
    return spec.model_copy(update={"options": JobOptions(on_nan=on_nan, checkpoint_steps=1)})


@pytest.mark.parametrize("losses_are_on", ["cpu", "cuda"])
def test_a_run_that_diverges_stops_and_leaves_its_last_good_state(
    make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses_are_on: str
) -> None:
    device = torch.device(losses_are_on)
    monkeypatch.setattr(course, "LossGuard", lambda *given: LossGuard(*given[:-1], device))
    with pytest.raises(NotANumber, match=r"the loss of step \d+ became (nan|inf) on rank 0"):
        train_here(diverging(make_spec, "stop"), tmp_path)
    assert not (tmp_path / "bundle.aimass").exists()
    newest = Checkpoints(tmp_path / "checkpoints").newest()
    assert newest is not None
    assert newest.step > 0
    assert all(bool(tensor.isfinite().all()) for tensor in newest.tensors.values())


def test_one_that_is_to_continue_ends_with_no_number_and_says_so(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    assert set(train_here(diverging(make_spec, "continue"), tmp_path)["metrics"].values()) == {None}
    assert read_manifest(tmp_path / "bundle.aimass").metrics["r2"] is None
    assert "was taken all the same" in read_notices(tmp_path)[0]


def test_a_skipped_step_leaves_the_weights_as_they_were(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    train_here(diverging(make_spec, "skip"), tmp_path)
    steps, held_out = read_notices(tmp_path)
    assert re.match(r"the loss of [\d,]+ steps? was NaN or infinite", steps)
    assert held_out.startswith("the loss on held-out rows became")
    weights = load(open_member(tmp_path / "bundle.aimass", WEIGHTS))
    assert all(np.isfinite(values).all() for values in weights.values())


@pytest.mark.parametrize("architecture", ["linear", "mlp", "cnn"])
def test_each_architecture_trains(make_spec: MakeSpec, tmp_path: Path, architecture: str) -> None:
    spec = make_spec("digits", epochs=2, architecture=architecture)
    assert train_here(spec, tmp_path)["metrics"]["accuracy"] > 0.3
