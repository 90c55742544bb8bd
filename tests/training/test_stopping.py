"""Early stopping: it stops, says when, and brings the best weights back."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.bundle import WEIGHTS, open_member
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.evaluation import Report
from aimass_jupyter.training.stopping import Stopping
from tests.training.conftest import MakeSpec, points, rows_of, train_here


def watched(values: list[float], **params: Any) -> tuple[Stopping, dict[str, torch.Tensor]]:
    """Show it a value an epoch, the weights being the number of the epoch."""
    given = {"patience": 2} | params
    network = {"weight": torch.zeros(1)}
    stopping = Stopping(hyperparameters_of("classification", given), network)
    for epoch, value in enumerate(values, 1):
        network["weight"].fill_(epoch)
        stopping.watch(value, Report(1, {"accuracy": value, "log_loss": value}), network)
        if stopping.over:
            break
    return stopping, network


@pytest.mark.parametrize(
    ("values", "params", "ended", "best"),
    [
        ([3, 2, 1, 1.5, 1.2, 0.1], {}, 5, 3),
        ([3, 2, 1, 0.5], {}, None, 4),
        ([0.1, 0.5, 0.4, 0.3, 0.9], {"stop_metric": "accuracy"}, 4, 2),
        ([0.1, 0.5, 0.4, 0.3, 0.9], {"stop_metric": "log_loss"}, 3, 1),
        ([3, 2, 1.99, 1.98, 1.97], {"min_delta": 0.1}, 4, 2),
        ([3, 3, 3], {}, 3, 1),
        ([math.nan, 2, math.nan, math.inf], {}, 4, 2),
        ([3, 2, 1, 1.5, 1.2, 0.1], {"patience": 3}, None, 6),
    ],
)
def test_it_ends_without_progress_and_keeps_the_best(
    values: list[float], params: dict[str, Any], ended: int | None, best: int
) -> None:
    stopping, network = watched(values, **params)
    assert stopping.over == (ended is not None)
    if ended:
        assert network["weight"].item() == ended
    stopping.bring_back(network)
    assert network["weight"].item() == best


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(Exception, match="stop_metric"):
        hyperparameters_of("regression", {"stop_metric": "accuracy"})


def noise(table_spec: MakeSpec, **params: Any) -> JobSpec:
    """Few rows, much noise: a network of this size soon learns them by heart."""
    random = np.random.default_rng(0)
    columns = {f"x{i}": random.normal(size=200) for i in range(10)}
    label = columns["x0"] + columns["x1"] + 1.5 * random.normal(size=200) > 0
    given = {"epochs": 60, "batch_size": 16, "dropout": 0.0, "schedule": "constant"} | params
    return table_spec(
        columns | {"y": np.where(label, "yes", "no")}, "y", validation_fraction=0.4,
        stop_fraction=0.25, **given,
    )  # fmt: skip


def test_a_run_ends_early_with_its_best_weights(
    table_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train_here(noise(table_spec, patience=60), tmp_path / "patient")["metrics"]
    early = train_here(noise(table_spec, patience=4), tmp_path / "early")["metrics"]
    free = train_here(noise(table_spec), tmp_path / "free")["metrics"]
    assert "stopped early" in capsys.readouterr().out
    assert len(points(tmp_path / "early", "loss/validation")) < 40
    assert early["log_loss"] < 0.6 * free["log_loss"]
    assert whole["log_loss"] < 0.6 * free["log_loss"]  # to the end, and back to the best


def test_what_is_watched_is_neither_trained_on_nor_reported(table_spec: MakeSpec) -> None:
    rows = rows_of(noise(table_spec))
    rest, watched_rows = rows.set_aside(0.25)
    shown = {row.numpy().tobytes() for part in rest.batches(0, 4) for row in part.inputs}
    aside = {row.numpy().tobytes() for row in watched_rows.inputs}
    held_out = {row.numpy().tobytes() for row in rows.held_out.inputs}
    assert len(aside) == 30
    assert len(shown) == rest.training_rows == rows.training_rows - 30
    assert not shown & aside
    assert not (shown | aside) & held_out


def test_going_on_stops_where_it_would_have(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = noise(table_spec, patience=3, ema=0.8)
    spec = spec.model_copy(
        update={"options": spec.options.model_copy(update={"checkpoints_kept": 100})}
    )  # fmt: skip
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train_here(spec, whole)
    shutil.copytree(whole / "checkpoints", resumed / "checkpoints")
    for late in sorted((resumed / "checkpoints").iterdir())[-2:]:
        late.unlink()
    train_here(spec, resumed)
    before, after = (load(open_member(f / "bundle.aimass", WEIGHTS)) for f in (whole, resumed))
    assert all(np.array_equal(before[name], after[name]) for name in before)
