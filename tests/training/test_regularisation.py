"""What keeps a network small or its steps tame: told by what it does to weights and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load
from torch import Tensor, nn

from aimass_jupyter.algorithms import find_task, hyperparameters_of
from aimass_jupyter.bundle import WEIGHTS, open_member
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.host import read_notices
from aimass_jupyter.training.averaging import Average
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import Part
from aimass_jupyter.training.schedule import Pace
from tests.training.conftest import MakeSpec, rows_of, train_here, with_params

PACE = Pace(0.1, 0.9)


def learner(algorithm: str = "classification", **params: Any) -> Learner:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    return Learner(hyperparameters_of(algorithm, params), network, SingleEngine(Place()))


def batch(rows: int = 21) -> Part:
    torch.manual_seed(1)
    return Part(torch.randn(rows, 6), torch.randint(3, (rows,)))


def take_step(one: Learner, rows: Part, pace: Pace = PACE) -> Tensor:
    """Take a step and return the gradients as the optimizer saw them."""
    task = find_task("classification", hyperparameters_of("classification", {}))
    loss = one.backward(task, rows)
    one.exchange.average(loss, len(rows))
    one.update(pace)
    return one.weights.gradients


@pytest.mark.parametrize("pieces", [2, 5, 40])
def test_a_batch_in_pieces_is_the_same_step(pieces: int) -> None:
    whole, cut = learner(), learner(accumulate=pieces)
    for _ in range(3):
        take_step(whole, batch())
        take_step(cut, batch())
    assert torch.allclose(whole.weights.values, cut.weights.values, atol=1e-6)


def test_pieces_are_what_the_network_sees() -> None:
    one = learner(accumulate=4)
    seen: list[int] = []
    one.network.register_forward_hook(lambda _n, given, _o: seen.append(len(given[0])))
    take_step(one, batch(10))
    assert seen == [3, 3, 2, 2]


def test_a_long_gradient_is_shortened_to_the_norm() -> None:
    free, clipped = take_step(learner(), batch()), take_step(learner(clip_norm=0.01), batch())
    assert float(free.norm()) > 0.01
    assert float(clipped.norm()) == pytest.approx(0.01, rel=1e-4)
    assert torch.allclose(clipped / clipped.norm(), free / free.norm(), atol=1e-5)
    assert torch.equal(take_step(learner(clip_norm=1e3), batch()), free)


def test_entries_of_a_gradient_are_kept_within() -> None:
    free, clipped = take_step(learner(), batch()), take_step(learner(clip_value=0.02), batch())
    assert torch.equal(clipped, free.clamp(-0.02, 0.02))
    assert not torch.equal(clipped, free)


def linear_weights(folder: Path) -> np.ndarray:
    weights = load(open_member(folder / "bundle.aimass", WEIGHTS))
    return next(tensor for tensor in weights.values() if tensor.ndim == 2)


@pytest.mark.parametrize(
    ("optimizer", "rate", "rows", "epochs"), [("sgd", 0.01, 100, 60), ("adamw", 0.03, 353, 150)]
)
def test_the_elastic_net_is_scikit_learns(
    make_spec: MakeSpec, tmp_path: Path, optimizer: str, rate: float, rows: int, epochs: int
) -> None:
    """The same weights, the same zeros; our error has no half before it, so penalties double."""
    from sklearn.linear_model import ElasticNet

    spec = make_spec(
        "diabetes", architecture="linear", optimizer=optimizer, learning_rate=rate,
        weight_decay=0, epochs=epochs, checkpoint_every=epochs, batch_size=rows, l1=0.1, l2=0.05,
    )  # fmt: skip
    training = rows_of(spec).training
    train_here(spec, tmp_path)
    theirs = ElasticNet(alpha=0.075, l1_ratio=0.05 / 0.075).fit(
        training.inputs.numpy(), training.targets.numpy()
    )
    ours = linear_weights(tmp_path)[0]
    assert ours == pytest.approx(theirs.coef_, abs=0.01)
    assert np.array_equal(ours == 0, theirs.coef_ == 0)
    assert (ours == 0).any()


def test_l1_makes_zeros_and_l2_makes_small(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("breast_cancer", epochs=10, architecture="linear", weight_decay=0)
    found = {}
    for name, params in {"free": {}, "l1": {"l1": 0.3}, "l2": {"l2": 3.0}}.items():
        train_here(with_params(spec, **params), tmp_path / name)
        found[name] = linear_weights(tmp_path / name)
    assert (found["free"] == 0).sum() == 0
    assert (found["l1"] == 0).mean() > 0.3
    assert np.abs(found["l2"]).sum() < 0.7 * np.abs(found["free"]).sum()
    assert (found["l2"] == 0).sum() == 0


def test_a_penalty_that_leaves_nothing_is_said(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("breast_cancer", epochs=4, weight_decay=0)
    for name, l1 in {"nothing": 10.0, "something": 1e-5}.items():
        (tmp_path / name).mkdir()
        train_here(with_params(spec, l1=l1), tmp_path / name)
    (notice,) = read_notices(tmp_path / "nothing")
    assert notice == "L1 of 10 made every weight zero: try a smaller --l1"
    assert read_notices(tmp_path / "something") == []


def test_a_penalty_leaves_biases_alone() -> None:
    one, free = learner(l1=0.5, weight_decay=0), learner(weight_decay=0)
    for _ in range(20):
        take_step(one, batch())
        take_step(free, batch())
    last = one.network[2]
    assert isinstance(last, nn.Linear)
    assert (last.weight == 0).float().mean() > 0.5
    assert (last.bias != 0).all()


def test_dropout_keeps_a_network_from_learning_by_heart(
    table_spec: MakeSpec, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    columns = {f"x{i}": random.normal(size=160) for i in range(20)}
    label = columns["x0"] + columns["x1"] + 2 * random.normal(size=160) > 0
    spec = table_spec(
        columns | {"y": np.where(label, "yes", "no")}, "y", epochs=40, batch_size=32,
        validation_fraction=0.5, weight_decay=0,
    )  # fmt: skip
    losses = {
        rate: train_here(with_params(spec, dropout=rate), tmp_path / str(rate))["metrics"]
        for rate in (0.0, 0.7)
    }
    assert losses[0.7]["log_loss"] < 0.7 * losses[0.0]["log_loss"]


def rare(table_spec: MakeSpec, **params: Any) -> Any:
    random = np.random.default_rng(3)
    label = random.random(600) < 0.06
    columns = {"a": random.normal(size=600) + 1.8 * label, "b": random.normal(size=600)}
    return table_spec(
        columns | {"y": np.where(label, "rare", "usual")}, "y", epochs=8, learning_rate=0.02,
        validation_fraction=0.4, **params,
    )  # fmt: skip


def recall_of_rare(record: dict[str, Any]) -> float:
    return float(next(one["recall"] for one in record["classes"] if one["name"] == "rare"))


def test_class_weights_find_the_rare_class(table_spec: MakeSpec, tmp_path: Path) -> None:
    spec = rare(table_spec)
    plain, balanced, named = (
        recall_of_rare(train_here(with_params(spec, class_weights=given), tmp_path / str(number)))
        for number, given in enumerate(("none", "balanced", {"rare": 20.0}))
    )
    assert plain < 0.5
    assert balanced > plain + 0.3
    assert named > plain + 0.3


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    from aimass_jupyter.algorithms.classification import class_weights

    targets = torch.tensor([0] * 7 + [1] * 2 + [2])
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=targets.numpy())
    given = class_weights("balanced", ["a", "b", "c"], targets)
    assert given.numpy() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [({"rar": 2.0}, "no class 'rar'.*did you mean 'rare'"), ({"rare": -1.0}, "must be 0 or more")],
)
def test_wrong_class_weights_are_named(
    table_spec: MakeSpec, tmp_path: Path, given: dict[str, float], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        train_here(rare(table_spec, class_weights=given), tmp_path)


def test_label_smoothing_makes_answers_less_sure(make_spec: MakeSpec, tmp_path: Path) -> None:
    from aimass_jupyter.data import columns_of, open_dataset
    from aimass_jupyter.inference import load_bundle

    spec = make_spec("wine", epochs=20)
    columns = columns_of(open_dataset(spec.dataset_path))
    sure = []
    for smoothing in (0.0, 0.3):
        folder = tmp_path / str(smoothing)
        train_here(with_params(spec, label_smoothing=smoothing), folder)
        answers = load_bundle(folder / "bundle.aimass").predict(columns)["probabilities"]
        sure.append(float(answers.max(axis=1).mean()))
    assert sure[0] > 0.95
    assert sure[1] == pytest.approx(0.8, abs=0.06)  # 1 - 0.3 + 0.3 / 3


def test_the_average_is_that_of_the_weights_so_far() -> None:
    values = torch.zeros(2)
    average = Average(0.5, values)
    wanted = values.clone()
    for number in range(1, 30):
        values.fill_(number)
        average.follow()
        decay = min(0.5, (1 + number) / (10 + number))
        wanted = decay * wanted + (1 - decay) * number
    with average.shown():
        assert torch.allclose(values, wanted)
    assert values.tolist() == [29, 29]
    average.settle()
    assert torch.allclose(values, wanted)


def test_the_average_is_evaluated_and_exported(make_spec: MakeSpec, tmp_path: Path) -> None:
    """With steps so large that the weights jump about, their mean is much better than the last."""
    spec = make_spec(
        "diabetes", architecture="linear", optimizer="sgd", schedule="constant",
        learning_rate=0.08, momentum=0.5, batch_size=4, epochs=12, warm_up=0,
    )  # fmt: skip
    plain = train_here(spec, tmp_path / "plain")["metrics"]
    record = train_here(with_params(spec, ema=0.99), tmp_path / "mean")
    assert record["metrics"]["rmse"] < plain["rmse"] - 1
    assert not np.allclose(linear_weights(tmp_path / "plain"), linear_weights(tmp_path / "mean"))
