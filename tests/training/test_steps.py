"""One step: weights as a vector, gradients averaged over rows, rules held against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.optimizer import SGD, AdamW, make_optimizer
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.weights import Weights


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))


class Group:
    """Adds what the other ranks would have brought."""

    place = Place()
    device = torch.device("cpu")

    def __init__(self, others: Tensor) -> None:
        self.others = others

    def add(self, tensor: Tensor) -> None:
        tensor += self.others


def test_parameters_are_views_of_the_vector() -> None:
    net = network()
    before = net(torch.ones(1, 3))
    weights = Weights(net)
    assert torch.equal(net(torch.ones(1, 3)), before)
    weights.values.zero_()
    assert not any(parameter.any() for parameter in net.parameters())


def test_backward_fills_the_gradient_vector() -> None:
    net, plain = network(), network()
    weights = Weights(net)
    inputs = torch.randn(4, 3)
    for _ in range(2):  # the second time, nothing of the first is left
        weights.clear_gradients()
        net(inputs).square().sum().backward()
    plain(inputs).square().sum().backward()
    wanted = torch.cat([parameter.grad.reshape(-1) for parameter in plain.parameters()])
    assert torch.allclose(weights.gradients, wanted)


@pytest.mark.parametrize("mine", [0, 1, 3, 10])
def test_rows_are_averaged_not_ranks(mine: int) -> None:
    """Two ranks with unequal shares of a batch step as one rank with all of it does."""
    inputs = torch.randn(10, 3)
    parts = []
    for rows in (inputs[:mine], inputs[mine:]):
        net = network()
        part = Weights(net)
        loss = net(rows).square().sum()
        loss.backward()
        parts.append((part, loss, len(rows)))
    (weights, loss, rows), (other, other_loss, other_rows) = parts
    brought = torch.cat(
        [other.gradients, torch.stack([other_loss.detach(), torch.tensor(float(other_rows))])]
    )
    mean = weights.average(Group(brought), loss, rows)

    whole = network()
    all_loss = whole(inputs).square().sum() / 10
    all_loss.backward()
    wanted = torch.cat([parameter.grad.reshape(-1) for parameter in whole.parameters()])
    assert torch.allclose(weights.gradients, wanted, atol=1e-6)
    assert float(mean) == pytest.approx(all_loss.item(), rel=1e-5)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_rules_do_what_torchs_do(name: str) -> None:
    """Decay is left out for SGD: ours is decoupled, torch's is not."""
    decay = 0.1 if name == "adamw" else 0.0
    params = hyperparameters_of("regression", {"optimizer": name, "weight_decay": decay})
    ours = torch.randn(50)
    theirs = nn.Parameter(ours.clone())
    rule = make_optimizer(params, ours)
    reference: torch.optim.Optimizer = (
        torch.optim.AdamW([theirs], lr=0.01, weight_decay=decay)
        if name == "adamw"
        else torch.optim.SGD([theirs], lr=0.01, momentum=0.9)
    )
    for _ in range(25):
        gradient = torch.randn(50)
        rule.step(ours, gradient, 0.01)
        theirs.grad = gradient
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("rule", [AdamW, SGD])
def test_decay_alone_shrinks(rule: type[AdamW | SGD]) -> None:
    values = torch.ones(3)
    rule(values, 0.5).step(values, torch.zeros(3), 0.1)
    assert values.tolist() == pytest.approx([0.95] * 3)


@pytest.mark.parametrize(("rule", "farther"), [(AdamW, 2.0), (SGD, 1.0)])
def test_steps_on_a_share_of_the_rows_go_as_far(rule: type[AdamW | SGD], farther: float) -> None:
    """Of noise alone, Adam's steps are as long as the rate; decay stays what it was."""
    whole, apart = torch.zeros(1), torch.zeros(1)
    alone, shared = rule(whole, 0.0), rule(apart, 0.0)
    shared.learn_apart(4)
    for _ in range(5):
        gradient = torch.randn(1)
        alone.step(whole, gradient, 0.01)
        shared.step(apart, gradient, 0.01)
    assert float(apart) == pytest.approx(farther * float(whole), rel=1e-4)
    decayed = torch.ones(1)
    shared = rule(decayed, 0.5)
    shared.learn_apart(4)
    shared.step(decayed, torch.zeros(1), 0.1)
    assert float(decayed) == pytest.approx(0.95)


def test_one_rank_alone_changes_nothing() -> None:
    engine = SingleEngine(Place())
    tensor = torch.ones(2)
    engine.add(tensor)
    assert tensor.tolist() == [1, 1]
    assert engine.gather(tensor) is tensor
    assert engine.broadcast(b"x") == b"x"
