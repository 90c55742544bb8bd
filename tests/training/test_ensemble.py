"""Ensembles: better than one of their members on noisy data, one bundle, the same in ONNX."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load
from torch import nn

from aimass_jupyter.algorithms.combining import (
    Combination,
    Mean,
    Stack,
    Sum,
    Vote,
    mean_head,
    shown_to_head,
)
from aimass_jupyter.bundle import WEIGHTS, open_member
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import columns_of, open_dataset, split_rows
from aimass_jupyter.inference import load_bundle
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.export import check_onnx
from aimass_jupyter.training.loop import train
from aimass_jupyter.training.onnx_graph import to_onnx
from tests.training.conftest import MakeSpec, points, rows_of, train_here, with_params
from tests.training.gang import run_gang


def combination(kind: str, classes: int) -> Combination:
    torch.manual_seed(0)
    outputs = classes or 1
    members = [nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, outputs)) for _ in range(3)]
    if kind == "stack":
        head = mean_head(3, outputs)
        with torch.no_grad():
            head.weight += 0.1 * torch.randn_like(head.weight)
        return Stack(members, head, classes)
    return {"mean": Mean, "sum": Sum, "vote": Vote}[kind](members, [0.2, 0.5, 0.3], classes)


@pytest.mark.parametrize(
    ("kind", "classes"),
    [("mean", 0), ("mean", 3), ("sum", 0), ("vote", 3), ("stack", 0), ("stack", 3)],
)
def test_onnx_combines_as_torch_does(kind: str, classes: int) -> None:
    network = combination(kind, classes).eval()
    rows = torch.randn(200, 4)
    onnx = to_onnx(network, (4,), classes or 1)
    check_onnx(onnx, network, rows)
    check_onnx(onnx, network, rows[:1])


def test_a_mean_is_of_probabilities_and_a_vote_is_counted() -> None:
    mean, vote = combination("mean", 3), combination("vote", 3)
    rows = torch.randn(50, 4)
    with torch.no_grad():
        chances = torch.stack([member(rows).softmax(1) for member in mean.members])
        wanted = (chances * torch.tensor([0.2, 0.5, 0.3]).view(3, 1, 1)).sum(0)
        assert torch.allclose(mean(rows).softmax(1), wanted, atol=1e-5)
        chosen = [member(rows).argmax(1) for member in vote.members]
        for row in range(50):
            votes = torch.zeros(3)
            for share, said in zip((0.2, 0.5, 0.3), chosen, strict=True):
                votes[said[row]] += share
            assert torch.allclose(vote(rows)[row], votes)


def test_a_head_begins_as_the_mean() -> None:
    answers = [torch.randn(5, 3) for _ in range(4)]
    shown = torch.cat([shown_to_head(one, 3) for one in answers], 1)
    given = mean_head(4, 3)(shown)
    wanted = torch.stack([one.log_softmax(1) for one in answers]).mean(0)
    assert torch.allclose(given, wanted, atol=1e-5)


def noisy(table_spec: MakeSpec, **params: Any) -> JobSpec:
    """Twenty columns, five of which say a little."""
    random = np.random.default_rng(0)
    values = random.normal(size=(240, 20))
    label = values[:, :5].sum(1) + 2 * random.normal(size=240) > 0
    columns = {f"x{i}": values[:, i] for i in range(20)}
    return table_spec(
        columns | {"y": np.where(label, "yes", "no")}, "y", validation_fraction=0.5, epochs=20,
        batch_size=32, learning_rate=0.01, dropout=0.0, weight_decay=0, hidden=64, **params,
    )  # fmt: skip


def test_bagging_is_surer_of_less(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = noisy(table_spec, architecture="mlp", checkpoint_every=20)
    alone = train_here(spec, tmp_path / "alone")["metrics"]
    bagged = with_params(spec, ensemble="bagging", members=5)
    together = train_here(bagged, tmp_path / "together")["metrics"]
    assert together["log_loss"] < 0.75 * alone["log_loss"]
    assert together["accuracy"] > alone["accuracy"] - 0.03
    assert points(tmp_path / "together", "members") == [1, 2, 3, 4, 5]
    shown = points(tmp_path / "together", "log_loss/ensemble")
    assert shown[-1] == pytest.approx(together["log_loss"], rel=1e-4)


def test_stacking_is_better_than_its_members(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = noisy(table_spec, checkpoint_every=20)
    alone = train_here(spec, tmp_path / "alone")["metrics"]
    stacked = with_params(spec, ensemble="stacking", members=2, folds=2)
    together = train_here(stacked, tmp_path / "together")["metrics"]
    assert together["log_loss"] < 0.6 * alone["log_loss"]
    assert together["accuracy"] >= alone["accuracy"]
    weights = load(open_member(tmp_path / "together" / "bundle.aimass", WEIGHTS))
    depths = [sum(f"members.{m}." in name for name in weights) for m in range(2)]
    assert depths[0] > depths[1]  # members differ: a network, and a linear one
    assert weights["head.weight"].shape == (2, 4)


def regions(table_spec: MakeSpec, **params: Any) -> JobSpec:
    """Three classes in stripes that cross, a few rows in the wrong one."""
    random = np.random.default_rng(0)
    x, y = random.uniform(-1, 1, size=(2, 500))
    number = (np.digitize(x + y, [-0.5, 0.5]) + np.digitize(x - y, [0])) % 3
    number = np.where(random.random(500) < 0.05, random.integers(0, 3, 500), number)
    columns = {"x": x, "y": y, "class": np.array(["r", "s", "t"])[number]}
    return table_spec(
        columns, "class", validation_fraction=0.4, architecture="mlp", hidden=4, layers=1,
        epochs=10, learning_rate=0.03, batch_size=32, dropout=0.0, checkpoint_every=10, **params,
    )  # fmt: skip


def test_boosting_makes_a_strong_one_of_weak_ones(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = regions(table_spec)
    alone = train_here(spec, tmp_path / "alone")["metrics"]["accuracy"]
    boosted = with_params(spec, ensemble="boosting", members=10)
    together = train_here(boosted, tmp_path / "together")["metrics"]["accuracy"]
    assert together > alone + 0.08


def test_boosting_explains_more_of_a_number(table_spec: MakeSpec, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, z = random.uniform(-1, 1, size=(2, 500))
    y = np.sin(3 * x) * z + 0.1 * random.normal(size=500)
    spec = table_spec(
        {"x": x, "z": z, "y": y}, "y", "regression", architecture="mlp", hidden=8, layers=1,
        validation_fraction=0.4, epochs=6, batch_size=32, learning_rate=0.02, dropout=0.0,
    )  # fmt: skip
    alone = train_here(spec, tmp_path / "alone")["metrics"]["r2"]
    boosted = with_params(spec, ensemble="boosting", members=6, shrinkage=0.5)
    together = train_here(boosted, tmp_path / "together")["metrics"]["r2"]
    assert together > alone + 0.15


def test_the_bundle_answers_as_the_report_says(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = regions(table_spec, ensemble="boosting", members=3)
    accuracy = train_here(spec, tmp_path)["metrics"]["accuracy"]
    table = open_dataset(spec.dataset_path)
    labels = columns_of(table, [spec.label])[spec.label]
    _, held_out = split_rows(labels, 0.4, spec.seed, stratify=True)
    columns = columns_of(table.take(held_out))
    given = load_bundle(tmp_path / "bundle.aimass").predict(columns)["label"]
    assert (given == columns[spec.label]).mean() == pytest.approx(accuracy)


@pytest.mark.parametrize("kind", ["bagging", "boosting", "stacking"])
def test_going_on_gives_what_going_through_gives(
    table_spec: MakeSpec, tmp_path: Path, kind: str
) -> None:
    """From the middle of the second fit: the first is not trained again."""
    params = {"ensemble": kind, "members": 3} | ({"folds": 2} if kind == "stacking" else {})
    spec = with_params(regions(table_spec), epochs=4, checkpoint_every=1, **params)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train_here(spec, whole)
    shutil.copytree(whole / "checkpoints", resumed / "checkpoints")
    fits = sorted((resumed / "checkpoints").iterdir())
    for later in fits[2:]:
        shutil.rmtree(later)
    sorted(fits[1].iterdir())[-1].unlink()
    train_here(spec, resumed)
    before, after = (load(open_member(f / "bundle.aimass", WEIGHTS)) for f in (whole, resumed))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert len(points(resumed, "loss/train")) < len(points(whole, "loss/train"))


def boost_together(engine: Engine, spec: str, folder: str) -> None:
    """What each rank does."""
    from aimass_jupyter.algorithms import hyperparameters_of

    job = JobSpec.model_validate_json(Path(spec).read_text())
    params = hyperparameters_of(job.algorithm, job.params)
    train(job, params, Path(folder), rows_of(job, engine.place), engine)


def test_two_ranks_make_one_ensemble(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = with_params(regions(table_spec), ensemble="boosting", members=3)
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    folders = [tmp_path / "single", tmp_path / "torchrun"]
    alone = train_here(spec, folders[0])["metrics"]["accuracy"]
    folders[1].mkdir()
    codes, said = run_gang(
        boost_together, "torchrun", 2, str(tmp_path / "spec.json"), str(folders[1])
    )  # fmt: skip
    assert codes == [0, 0], said
    together = points(folders[1], "accuracy/ensemble")[-1]
    assert together == pytest.approx(alone, abs=0.05)
    assert points(folders[0], "members") == points(folders[1], "members")
