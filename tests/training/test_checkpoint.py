"""Checkpoints: whole or passed over."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.training.checkpoint import (
    KEPT,
    Checkpoint,
    Checkpoints,
    Due,
    copied,
    settings_digest,
)
from aimass_jupyter.training.learner import state_of
from aimass_jupyter.training.optimizer import SGD, AdamW
from aimass_jupyter.training.weights import Weights
from tests.training.conftest import MakeSpec


def trained(step: int = 3) -> tuple[nn.Module, AdamW, Checkpoint]:
    torch.manual_seed(step)
    network = nn.Linear(4, 3)
    weights = Weights(network)
    rule = AdamW(weights.values, 0.1)
    rule.step(weights.values, torch.randn(15), 0.1)
    return network, rule, Checkpoint(step, copied(state_of(network, rule)), {"settings": "these"})


def save(checkpoints: Checkpoints, step: int) -> None:
    state = trained(step)[2]
    checkpoints.save(state.step, state.tensors, state.meta)


def test_it_comes_back_as_it_was() -> None:
    network, rule, state = trained()
    again = Checkpoint.decode(state.encode())
    other, other_rule, _ = trained(8)
    again.restore(state_of(other, other_rule))
    assert (again.step, again.meta) == (3, {"settings": "these"})
    assert all(map(torch.equal, network.state_dict().values(), other.state_dict().values()))
    assert all(torch.equal(rule.state[name], other_rule.state[name]) for name in rule.state)
    assert int(other_rule.state["steps"]) == 1


def test_the_vector_is_still_the_network_after_it_came_back() -> None:
    network = nn.Linear(4, 3)
    weights = Weights(network)
    _, _, state = trained()
    state.restore(state_of(network, AdamW(weights.values, 0.1)))
    weights.values.fill_(2)
    assert network.weight.unique().tolist() == [2]


@given(cut=st.integers(0, 400))
def test_a_cut_one_is_never_taken(cut: int) -> None:
    _, _, state = trained()
    content = state.encode()
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.decode(content[: min(cut, len(content) - 1)])


def test_a_damaged_one_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        save(checkpoints, step)
    (tmp_path / "step-000000002.safetensors").write_bytes(b"\0" * 100)
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.step == 1
    assert "step-000000002.safetensors is passed over" in capsys.readouterr().out


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() is None
    for step in range(9, 13):
        save(checkpoints, step)
    assert len(list(tmp_path.iterdir())) == KEPT
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.step == 12


def test_a_file_that_cannot_be_written_whole_leaves_the_ones_before(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(checkpoints, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.safetensors"]


def test_what_is_written_aside_is_the_state_of_that_moment(tmp_path: Path) -> None:
    network, rule, _ = trained()
    before = copied(state_of(network, rule))
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save_aside(7, state_of(network, rule), {"epoch": 1})
        for tensor in state_of(network, rule).values():
            tensor.zero_()
    newest = Checkpoints(tmp_path).newest()
    assert newest is not None
    assert (newest.step, newest.meta) == (7, {"epoch": 1})
    assert all(torch.equal(newest.tensors[name], tensor) for name, tensor in before.items())


def test_one_that_could_not_be_written_aside_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file")
    checkpoints.save_aside(1, {"x": torch.ones(1)})
    with pytest.raises(OSError, match="file"):
        checkpoints.wait()
    checkpoints.wait()  # said once


@pytest.mark.parametrize(
    ("due", "wanted"),
    [
        (Due(None, None, 1), ["e5", "e10", "e15", "e20"]),
        (Due(None, None, 3), ["e15", "e20"]),
        (Due(4, None, 100), ["s4", "s8", "s12", "s16", "e20"]),
        (Due(5, None, 100), ["e5", "e10", "e15", "e20"]),
        (Due(None, 1e-9, 100), [f"{'e' if n % 5 == 0 else 's'}{n}" for n in range(1, 21)]),
        (Due(None, 1e9, 4), ["e20"]),
    ],
)
def test_they_are_due_every_so_many_steps_seconds_or_epochs(due: Due, wanted: list[str]) -> None:
    """Four epochs of five steps; at the end of one, what was held out is in the state, too."""
    taken = []
    for done in range(1, 21):
        epoch, within = divmod(done, 5)
        if within and due.after_step(done):
            taken.append(f"s{done}")
        if not within and due.after_epoch(epoch, 5, last=epoch == 4):
            taken.append(f"e{done}")
    assert taken == wanted


def test_the_state_of_another_network_is_refused() -> None:
    _, _, state = trained()
    other = nn.Linear(5, 3)
    with pytest.raises(InvalidRequest, match="another network or optimizer"):
        state.restore(state_of(other, AdamW(Weights(other).values, 0.1)))
    same = nn.Linear(4, 3)
    with pytest.raises(InvalidRequest, match="another network or optimizer"):
        state.restore(state_of(same, SGD(Weights(same).values, 0.1)))


def test_settings_are_all_that_decides_what_is_learnt(make_spec: MakeSpec) -> None:
    spec = make_spec("iris")
    assert settings_digest(spec) == settings_digest(
        spec.model_copy(update={"np": 4, "engine": "horovod", "id": "job_2"})
    )
    changes: list[dict[str, object]] = [
        {"seed": 1},
        {"dataset_digest": "1"},
        {"label": "x"},
        {"params": spec.params | {"layers": 3}},
    ]
    digests = {settings_digest(spec.model_copy(update=change)) for change in changes}
    assert len(digests | {settings_digest(spec)}) == 5
