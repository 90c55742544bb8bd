"""A loss that is no number: when it is looked at, and what happens then."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aimass_jupyter.host import read_notices
from aimass_jupyter.training.failure import Disconnected, NotANumber
from aimass_jupyter.training.loss_guard import LossGuard, OnNan
from aimass_jupyter.training.place import Place

GOOD, BAD = torch.tensor(0.5), torch.tensor(float("nan"))
GRADIENTS = torch.zeros(3)


def guard(tmp_path: Path, policy: OnNan, device: str, place: Place | None = None) -> LossGuard:
    return LossGuard(policy, tmp_path, place or Place(), torch.device(device))


def test_here_a_step_is_not_taken_when_its_own_loss_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(NotANumber, match="the loss of step 1 became nan on rank 0"):
        guard(tmp_path, "stop", "cpu").admits(0, BAD, BAD, GRADIENTS)


def test_on_a_gpu_the_next_step_is_not_taken(tmp_path: Path) -> None:
    there = guard(tmp_path, "stop", "cuda")
    assert there.admits(0, BAD, BAD, GRADIENTS)
    with pytest.raises(NotANumber, match="the loss of step 1 became nan on rank 0"):
        there.admits(1, GOOD, GOOD, GRADIENTS)


def test_on_a_gpu_the_last_step_is_settled(tmp_path: Path) -> None:
    there = guard(tmp_path, "stop", "cuda")
    assert there.admits(6, GOOD, GOOD, GRADIENTS)
    there.settle()
    assert there.admits(7, GOOD, BAD, GRADIENTS)
    with pytest.raises(NotANumber, match="the loss of step 8 became nan"):
        there.look_at_held_out(8, 0.25)


def test_the_rank_whose_rows_were_fine_says_that_it_lost_another(tmp_path: Path) -> None:
    there = guard(tmp_path, "stop", "cuda", Place(rank=1, size=2))
    assert there.admits(0, GOOD, BAD, GRADIENTS)
    with pytest.raises(Disconnected):
        there.settle()


def test_what_goes_on_on_a_gpu_counts_each_step_once(tmp_path: Path) -> None:
    there = guard(tmp_path, "continue", "cuda")
    assert all(
        there.admits(step, loss, loss, GRADIENTS) for step, loss in enumerate([BAD, GOOD, BAD])
    )
    there.settle()
    there.settle()
    assert there.found == 2
    assert read_notices(tmp_path) == [
        "the loss of 2 steps was NaN or infinite, lastly of step 3; each was taken all the same"
    ]


def test_a_step_that_may_be_skipped_is_looked_at_before_it_is_taken(tmp_path: Path) -> None:
    there = guard(tmp_path, "skip", "cuda")
    assert not there.admits(0, BAD, BAD, GRADIENTS)
    assert not there.admits(1, GOOD, GOOD, GRADIENTS + torch.inf)
    assert there.admits(2, GOOD, GOOD, GRADIENTS)
