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
from aimass_jupyter.training.checkpoint import KEPT, Checkpoints, State, settings_digest
from aimass_jupyter.training.optimizer import SGD, AdamW
from aimass_jupyter.training.weights import Weights
from tests.training.conftest import MakeSpec


def trained(epoch: int = 3) -> tuple[nn.Module, AdamW, State]:
    torch.manual_seed(epoch)
    network = nn.Linear(4, 3)
    weights = Weights(network)
    rule = AdamW(weights.values, 0.1)
    rule.step(weights.values, torch.randn(15), 0.1)
    return network, rule, State.of(epoch, "settings", network, rule)


def test_it_comes_back_as_it_was() -> None:
    network, rule, state = trained()
    again = State.decode(state.encode())
    other, other_rule, _ = trained(8)
    again.restore(other, other_rule)
    assert (again.epoch, again.settings) == (3, "settings")
    assert all(map(torch.equal, network.state_dict().values(), other.state_dict().values()))
    assert all(torch.equal(rule.state[name], other_rule.state[name]) for name in rule.state)
    assert int(other_rule.state["steps"]) == 1


def test_the_vector_is_still_the_network_after_it_came_back() -> None:
    network = nn.Linear(4, 3)
    weights = Weights(network)
    _, _, state = trained()
    state.restore(network, AdamW(weights.values, 0.1))
    weights.values.fill_(2)
    assert network.weight.unique().tolist() == [2]


@given(cut=st.integers(0, 400))
def test_a_cut_one_is_never_taken(cut: int) -> None:
    _, _, state = trained()
    content = state.encode()
    with pytest.raises(ValueError, match="not a checkpoint"):
        State.decode(content[: min(cut, len(content) - 1)])


def test_a_damaged_one_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = Checkpoints(tmp_path)
    for epoch in (1, 2):
        checkpoints.save(trained(epoch)[2])
    (tmp_path / "epoch-000002.safetensors").write_bytes(b"\0" * 100)
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.epoch == 1
    assert "epoch-000002.safetensors is passed over" in capsys.readouterr().out


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() is None
    for epoch in range(9, 13):
        checkpoints.save(trained(epoch)[2])
    assert len(list(tmp_path.iterdir())) == KEPT
    newest = checkpoints.newest()
    assert newest is not None
    assert newest.epoch == 12


def test_a_file_that_cannot_be_written_whole_leaves_the_ones_before(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(trained(1)[2])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            checkpoints.save(trained(2)[2])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-000001.safetensors"]


def test_the_state_of_another_network_is_refused() -> None:
    _, _, state = trained()
    other = nn.Linear(5, 3)
    with pytest.raises(InvalidRequest, match="another network or optimizer"):
        state.restore(other, AdamW(Weights(other).values, 0.1))
    same = nn.Linear(4, 3)
    with pytest.raises(InvalidRequest, match="another network or optimizer"):
        state.restore(same, SGD(Weights(same).values, 0.1))


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
