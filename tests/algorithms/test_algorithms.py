"""Tasks and networks."""

from __future__ import annotations

import pytest
import torch

from aimass_jupyter.algorithms import build_network, find_task, hyperparameters_of
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.errors import InvalidRequest

SHAPES = [(1,), (13,), (1, 8, 8), (3, 32, 32), (1, 1, 5), (2, 3, 40), (1, 28, 28)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("architecture", ["auto", "mlp", "linear", "cnn"])
def test_every_architecture_answers_every_shape(
    shape: tuple[int, ...], architecture: str
) -> None:  # fmt: skip
    params = hyperparameters_of("classification", {"architecture": architecture, "hidden": 8})
    if architecture == "cnn" and len(shape) == 1:
        with pytest.raises(InvalidRequest, match="takes images"):
            build_network(params, shape, 4)
        return
    network = build_network(params, shape, 4)
    for rows in (0, 1, 3):
        assert network(torch.randn(rows, *shape)).shape == (rows, 4)


def test_a_network_is_as_deep_as_asked() -> None:
    params = hyperparameters_of("regression", {"layers": 5, "hidden": 7})
    layers = [m for m in build_network(params, (3,), 1) if isinstance(m, torch.nn.Linear)]
    assert [layer.out_features for layer in layers] == [7, 7, 7, 7, 7, 1]


def test_an_image_is_halved_until_it_is_small() -> None:
    params = hyperparameters_of("classification", {})
    network = build_network(params, (3, 224, 224), 10)
    weights = sum(parameter.numel() for parameter in network.parameters())
    assert weights < 3e6


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_declared_algorithm_has_a_task(algorithm: str) -> None:
    task = find_task(algorithm, hyperparameters_of(algorithm, {}))
    targets = {"classification": torch.tensor([0, 1]), "regression": torch.tensor([0.5, 2.0])}
    outputs = torch.ones(2, 2 if algorithm == "classification" else 1)
    loss = task.loss(outputs, targets[algorithm])
    assert loss.shape == ()
    halves = [task.loss(outputs[i : i + 1], targets[algorithm][i : i + 1]) for i in range(2)]
    assert float(loss) == pytest.approx(float(sum(halves)))
    assert float(task.loss(outputs[:0], targets[algorithm][:0])) == 0


def test_smoothing_reaches_the_loss() -> None:
    sure = torch.tensor([[20.0, 0.0]])
    losses = [
        float(
            find_task("classification", hyperparameters_of("classification", given)).loss(
                sure, torch.tensor([0])
            )
        )
        for given in ({}, {"label_smoothing": 0.2})
    ]
    assert losses[0] == pytest.approx(0, abs=1e-6)
    assert losses[1] == pytest.approx(0.1 * 20, rel=1e-3)


def test_wrong_hyperparameters_are_named() -> None:
    with pytest.raises(InvalidRequest, match=r"'epochs' of classification.*given 0"):
        hyperparameters_of("classification", {"epochs": 0})
    with pytest.raises(InvalidRequest, match="'epoch'"):
        hyperparameters_of("classification", {"epoch": 3})
    with pytest.raises(InvalidRequest, match="did you mean 'regression'"):
        hyperparameters_of("regresion", {})
