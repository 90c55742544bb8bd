"""Half precision: layers compute in it, weights do not, and steps that overflow are passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load
from torch import Tensor, nn

from aimass_jupyter.algorithms import find_task, hyperparameters_of
from aimass_jupyter.bundle import WEIGHTS, open_member
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.precision import Precision
from aimass_jupyter.training.rows import Part
from tests.training.conftest import MakeSpec, train_here

TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def gradients(precision: str) -> tuple[Tensor, list[torch.dtype]]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.Softplus(), nn.Linear(8, 3))
    seen: list[torch.dtype] = []
    network.register_forward_hook(lambda _n, _i, given: seen.append(given.dtype))
    params = hyperparameters_of("classification", {"precision": precision})
    learner = Learner(params, network, SingleEngine(Place()))
    rows = Part(torch.randn(20, 6), torch.randint(3, (20,)))
    loss = learner.backward(find_task("classification", params), rows)
    learner.exchange.average(loss, len(rows))
    assert not learner.precision.overflowed(learner.weights.gradients, loss)
    return learner.weights.gradients.clone(), seen


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_layers_compute_in_half_and_gradients_agree(precision: str) -> None:
    exact, types = gradients("float32")
    assert types == [torch.float32]
    given, types = gradients(precision)
    assert types == [TYPES[precision]]
    assert given.dtype == torch.float32
    assert not torch.equal(given, exact)
    furthest = 0.02 if precision == "bf16" else 0.005
    assert float((given - exact).norm()) < furthest * float(exact.norm())


def test_a_scale_is_halved_by_an_overflow_and_doubled_by_patience() -> None:
    params = hyperparameters_of("classification", {"precision": "fp16"})
    precision = Precision(params, torch.device("cpu"))
    loss, scale = torch.tensor(1.0), precision.state["scale"]
    first = float(scale)
    assert float(precision.scaled(loss)) == first
    fine, broken = torch.full((3,), first), torch.tensor([1.0, float("inf"), 0.0])
    assert not precision.overflowed(fine, loss)
    assert fine.tolist() == [1, 1, 1]
    assert precision.overflowed(broken, loss)
    assert float(scale) == first / 2
    for _ in range(2000):
        assert not precision.overflowed(torch.ones(3), loss)
    assert float(scale) == first
    assert not precision.overflowed(broken, torch.tensor(float("nan")))  # no matter of precision


def test_small_gradients_survive_fp16() -> None:
    """Below 6e-8 a half is zero; scaled up before backward, they are not."""
    params = hyperparameters_of("regression", {"precision": "fp16", "batch_size": 1})
    precision = Precision(params, torch.device("cpu"))
    weight = torch.ones(1, requires_grad=True)
    with precision.computing():
        loss = (
            torch.nn.functional.linear(torch.full((1, 1), 1e-4), weight.view(1, 1)).float() * 1e-5
        )
    precision.scaled(loss.sum()).backward()
    assert weight.grad is not None
    precision.overflowed(weight.grad, loss.detach())
    assert float(weight.grad) == pytest.approx(1e-9, rel=0.01)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_job_learns_in_half_and_leaves_float32(
    make_spec: MakeSpec, tmp_path: Path, precision: str
) -> None:
    spec = make_spec("digits", epochs=4, precision=precision, architecture="mlp")
    assert train_here(spec, tmp_path)["metrics"]["accuracy"] > 0.85
    weights = load(open_member(tmp_path / "bundle.aimass", WEIGHTS))
    assert {tensor.dtype for tensor in weights.values()} == {np.dtype(np.float32)}
