"""Schedules, held against torch's, and the curve that a run shows of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
    StepLR,
)

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.training.schedule import Schedule
from tests.training.conftest import MakeSpec, points, train_here


def ours(steps: int, **params: object) -> list[float]:
    schedule = _schedule(steps, **params)
    return [schedule.at(step).rate for step in range(10 * steps)]


def _schedule(steps: int, **params: object) -> Schedule:
    return Schedule(hyperparameters_of("regression", {"epochs": 10, **params}), steps)


def theirs(make: type[LRScheduler], steps: int, warm_up: int = 0, **how: float) -> list[float]:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.5, momentum=0.9)
    following: LRScheduler = make(optimizer, **how)
    if warm_up:
        optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
        rise = LinearLR(optimizer, 1 / warm_up, 1.0, warm_up - 1)
        following = SequentialLR(optimizer, [rise, make(optimizer, **how)], [warm_up])
    return [rate for rate, _ in paces(optimizer, following, 10 * steps)]


def paces(
    optimizer: Optimizer, schedule: LRScheduler, steps: int
) -> list[tuple[float, float]]:  # fmt: skip
    found = []
    for _ in range(steps):
        group = optimizer.param_groups[0]
        found.append((group["lr"], group["momentum"]))
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("warm_up", [0, 7])
def test_cosine_is_torchs(warm_up: int) -> None:
    wanted = theirs(CosineAnnealingLR, 12, warm_up, T_max=120 - warm_up, eta_min=0.05)
    given = ours(12, schedule="cosine", learning_rate=0.5, last_rate=0.1, warm_up=warm_up)
    assert given == pytest.approx(wanted)


def test_constant_with_warm_up_is_torchs() -> None:
    wanted = theirs(ConstantLR, 12, 5, factor=1.0, total_iters=1)
    assert ours(12, schedule="constant", learning_rate=0.5, warm_up=5) == pytest.approx(wanted)


def test_step_is_torchs() -> None:
    wanted = theirs(StepLR, 12, step_size=36, gamma=0.2)
    given = ours(
        12, schedule="step", learning_rate=0.5, decay_every=3, decay_factor=0.2, warm_up=0
    )  # fmt: skip
    assert given == pytest.approx(wanted)


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("rise", [0.1, 0.3, 0.75])
def test_one_cycle_is_torchs_momentum_included(rise: float) -> None:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=0.5, momentum=0.9)
    cycle = OneCycleLR(optimizer, 0.5, 120, pct_start=rise, final_div_factor=1 / 25 / 0.01)
    wanted = paces(optimizer, cycle, 119)
    schedule = _schedule(12, schedule="one-cycle", learning_rate=0.5, rise=rise)
    assert [tuple(schedule.at(step)) for step in range(119)] == [
        pytest.approx(pace) for pace in wanted
    ]


@pytest.mark.parametrize(("warm_up", "steps"), [(0.25, 30), (9, 9), (0.0, 1)])
def test_a_warm_up_is_a_share_or_steps(warm_up: float, steps: int) -> None:
    rates = ours(12, schedule="constant", learning_rate=0.5, warm_up=warm_up)
    assert rates.index(max(rates)) == steps - 1
    rise = [0.5 * (step + 1) / steps for step in range(steps)]
    assert rates[:steps] == pytest.approx(rise)


@pytest.mark.parametrize("schedule", ["cosine", "constant", "step", "one-cycle"])
@pytest.mark.parametrize("steps", [1, 2, 7, 400])
def test_any_length_rises_once_and_never_after(steps: int, schedule: str) -> None:
    rates = ours(steps, schedule=schedule, learning_rate=0.5)
    top = rates.index(max(rates))
    assert max(rates) <= 0.5 * (1 + 1e-9)
    assert max(rates) >= 0.4
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert min(rates) > 0


def test_a_run_shows_the_rates_it_took(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(
        "iris", epochs=10, schedule="step", decay_every=4, warm_up=0, learning_rate=0.01
    )
    train_here(spec, tmp_path)
    shown = points(tmp_path, "learning_rate")
    assert shown == pytest.approx([0.01] * 8 + [0.001] * 8 + [0.0001] * 4)
