"""Batch normalisation: torch's on one rank, the whole batch's on several, the same as ONNX."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from aimass_jupyter.algorithms import (
    BatchNorm,
    build_network,
    hyperparameters_of,
    share_statistics,
)
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.export import check_onnx
from aimass_jupyter.training.onnx_graph import to_onnx
from tests.training.conftest import MakeSpec, train_here
from tests.training.gang import run_gang


@pytest.mark.parametrize("shape", [(5,), (4, 6, 7)])
def test_on_one_rank_it_is_torchs(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    ours = BatchNorm(shape[0])
    theirs = (nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d)(shape[0])
    for _ in range(4):
        given = torch.randn(9, *shape) * 3 + 1
        mine, other = given.clone().requires_grad_(), given.clone().requires_grad_()
        answers, wanted = ours(mine), theirs(other)
        assert torch.allclose(answers, wanted, atol=1e-5)
        weight = torch.randn_like(given)
        (answers * weight).sum().backward()
        (wanted * weight).sum().backward()
        assert mine.grad is not None
        assert other.grad is not None
        assert torch.allclose(mine.grad, other.grad, atol=1e-4)
        assert torch.allclose(ours.weight.grad, theirs.weight.grad, atol=1e-3)
        assert torch.allclose(ours.bias.grad, theirs.bias.grad, atol=1e-3)
    assert torch.allclose(ours.running_mean, theirs.running_mean, atol=1e-5)
    assert torch.allclose(ours.running_var, theirs.running_var, rtol=1e-4)
    ours.eval()
    theirs.eval()
    given = torch.randn(3, *shape)
    assert torch.allclose(ours(given), theirs(given), atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_batch_of_hardly_any_rows_is_no_fault(rows: int) -> None:
    norm = BatchNorm(3)
    answers = norm(torch.randn(rows, 3, requires_grad=True))
    answers.sum().backward()
    assert answers.isfinite().all()
    assert norm.running_var.isfinite().all()
    assert (norm.running_var == 1).all() == (rows == 0)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), BatchNorm(8), nn.ReLU(), nn.Linear(8, 2), BatchNorm(2))


def gradients_of(net: nn.Module, inputs: Tensor) -> Tensor:
    (net(inputs) * torch.tensor([1.0, 3.0])).square().sum().backward()
    return torch.cat([parameter.grad.reshape(-1) for parameter in net.parameters()])  # type: ignore[union-attr]


def normalise_together(engine: Engine) -> None:
    """What each rank does: its rows alone, and gets what one rank with all rows would."""
    inputs = torch.randn(11, 6, generator=torch.Generator().manual_seed(1))
    whole = network()
    net = copy.deepcopy(whole)
    share_statistics(net, engine.add)
    place = engine.place
    for cut in ([4, 7], [11, 0]):
        for one in (net, whole):
            one.zero_grad()
        mine = inputs.split(cut)[place.rank]
        wanted = gradients_of(whole, inputs)
        summed = gradients_of(net, mine)
        engine.add(summed)
        assert torch.allclose(summed, wanted, atol=1e-3)
        for name, buffer in whole.named_buffers():
            assert torch.allclose(buffer, net.get_buffer(name), atol=1e-5)
    engine.shutdown()


@pytest.mark.parametrize("engine", ["torchrun", "horovod"])
def test_two_ranks_normalise_as_one_does(engine: str) -> None:
    codes, said = run_gang(normalise_together, engine, 2)
    assert codes == [0, 0], said


@pytest.mark.parametrize("shape", [(6,), (1, 16, 16)])
def test_onnx_has_the_same_statistics(shape: tuple[int, ...]) -> None:
    params = hyperparameters_of("classification", {"batch_norm": True, "hidden": 8})
    net = build_network(params, shape, 3)
    for _ in range(3):
        net(torch.randn(20, *shape) * 2 + 1)
    check_onnx(to_onnx(net, shape, 3), net, torch.randn(5, *shape))


def test_a_job_learns_with_it(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("digits", epochs=4, batch_norm=True, architecture="mlp")
    assert train_here(spec, tmp_path)["metrics"]["accuracy"] > 0.93
