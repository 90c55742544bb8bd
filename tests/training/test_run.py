"""``run`` on one rank, in this process: what it offers, keeps, and refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from aimass_jupyter.bundle import read_manifest
from aimass_jupyter.contract.errors import Failed, InvalidRequest
from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import read_notices
from aimass_jupyter.inference.model import load_bundle
from aimass_jupyter.source.run_members import (
    DATASET_MEMBERS,
    FIRST_ARGUMENT,
    MEMBERS,
    METHODS,
)
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.failure import NotANumber
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.run import Run
from aimass_jupyter.training.run_state import pack_state, restore_state


@pytest.fixture
def run(tmp_path: Path, dataset: Callable[[str], Path]) -> Run:
    """A run on iris."""
    spec = JobSpec(
        id="job_1", name="mine", engine="single", np=1, algorithm="code", params={"lr": 0.1},
        seed=0, dataset="iris@1", dataset_digest="0" * 64, label="species",
        dataset_path=str(dataset("iris") / "data.arrow"), python=sys.executable,
    )  # fmt: skip
    (tmp_path / "work").mkdir()
    return Run(spec, tmp_path, SingleEngine(Place()))


def test_what_is_checked_before_a_job_is_what_there_is(run: Run) -> None:
    assert {name for name in dir(run) if not name.startswith("_")} - {
        "finish",
        "break_off",
    } == MEMBERS
    methods = {name for name in MEMBERS if callable(getattr(Run, name, None))}
    assert methods == METHODS
    assert set(FIRST_ARGUMENT) < METHODS
    assert {name for name in dir(run.dataset) if not name.startswith("_")} - {
        "open"
    } == DATASET_MEMBERS


def test_options_are_attributes_and_items(run: Run) -> None:
    assert run.params.lr == run.params["lr"] == 0.1
    assert run.params.get("none", 3) == 3
    assert not hasattr(run.params, "none")
    with pytest.raises(InvalidRequest, match="'--lrr' is not given"):
        run.params.lrr  # noqa: B018
    with pytest.raises(InvalidRequest, match="did you mean 'lr'"):
        run.params["lrr"]


def test_the_dataset_gives_columns_rows_batches_and_tensors(run: Run) -> None:
    dataset = run.dataset
    assert dataset is not None
    assert len(dataset) == 150
    assert dataset["petal_length"].mean() == pytest.approx(3.758)
    assert len(dataset.take([1, 2])) == 2
    batches = list(dataset.batches(40, epoch=1))
    assert [len(batch["species"]) for batch in batches] == [40, 40, 40, 30]
    assert not np.array_equal(batches[0]["petal_length"], dataset["petal_length"][:40])
    inputs, targets = dataset.tensors()
    assert inputs.shape == (150, 4)
    assert sorted(targets.unique().tolist()) == [0, 1, 2]
    with pytest.raises(InvalidRequest, match="did you mean 'petal_length'"):
        dataset["petal_lenth"]


def test_each_rank_has_its_share_of_rows(run: Run) -> None:
    from aimass_jupyter.training.run_dataset import RunDataset

    whole = run.dataset
    assert whole is not None
    parts = [
        RunDataset("iris", "", whole.table, [], 0, Place(rank, 4, rank, 4)) for rank in range(4)
    ]
    assert sum(len(part.shard()) for part in parts) == 150
    together = [list(part.batches(33)) for part in parts]
    assert len({len(batches) for batches in together}) == 1
    rows = np.concatenate([batch["sepal_width"] for batches in together for batch in batches])
    assert sorted(rows) == pytest.approx(sorted(whole["sepal_width"]))


def test_values_are_logged_and_kept(run: Run, tmp_path: Path) -> None:
    run.log(0, loss=torch.tensor(0.5), accuracy__held_out=np.float32(0.25))
    run.log(1, loss=0.25)
    with pytest.raises(InvalidRequest, match="'loss' is a str"):
        run.log(2, loss="low")
    with pytest.raises(NotANumber, match="loss is nan at step 3"):
        run.log(3, loss=float("nan"))
    run.log(4, loss=0.125)
    run.finish()
    metrics = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    assert metrics == {"loss": 0.125, "accuracy/held_out": 0.25}
    (file,) = (tmp_path / "tb").iterdir()
    assert b"accuracy/held_out" in file.read_bytes()


def test_a_step_that_would_spoil_the_weights_is_skipped_and_said(run: Run, tmp_path: Path) -> None:
    run._spec = run._spec.model_copy(update={"options": JobOptions(on_nan="skip")})
    model = nn.Linear(2, 1)
    model, optimizer = run.distribute(model, torch.optim.Adam(model.parameters(), lr=0.1))
    before = model.weight.detach().clone()
    for bad in (float("nan"), float("inf")):
        optimizer.zero_grad()
        (model(torch.ones(1, 2)) * bad).sum().backward()
        optimizer.step()
    assert torch.equal(model.weight, before)
    optimizer.zero_grad()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert not torch.equal(model.weight, before)
    run.log(7, loss=float("nan"))  # flagged, and the run goes on
    said = read_notices(tmp_path)
    assert "2 steps were skipped: the gradients were NaN or infinite" in said
    assert "loss is nan at step 7" in said


def test_a_state_comes_back(run: Run) -> None:
    def parts() -> tuple[nn.Module, Any, Any]:
        model = nn.Linear(2, 1)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 1)

    model, optimizer, scheduler = parts()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    scheduler.step()
    run.checkpoint(7, model=model, optimizer=optimizer, scheduler=scheduler, best=(0.5, [1]),
                   seen={"a": torch.arange(3), 2: None})  # fmt: skip
    run._checkpoints.wait()
    others = parts()
    step = run.resume(model=others[0], optimizer=others[1], scheduler=others[2])
    assert step == 7
    assert torch.equal(others[0].weight, model.weight)
    assert str(others[1].state_dict()) == str(optimizer.state_dict())
    assert others[2].state_dict() == scheduler.state_dict()
    assert run.restored["best"] == (0.5, [1])
    assert torch.equal(run.restored["seen"]["a"], torch.arange(3))
    assert run.restored["seen"][2] is None
    with pytest.raises(InvalidRequest, match="of another shape"):
        run.resume(model=nn.Linear(3, 1))
    with pytest.raises(InvalidRequest, match="did you mean 'model'"):
        run.resume(modle=model)


def test_the_curve_up_to_a_checkpoint_and_to_a_failure_leaves_the_process(
    run: Run, tmp_path: Path
) -> None:
    def written() -> list[int]:
        events = EventAccumulator(str(tmp_path / "tb")).Reload()
        return [point.step for point in events.Scalars("loss")]

    for step in range(3):
        run.log(step, loss=1.0)
    run.checkpoint(3)
    assert written() == [0, 1, 2]
    run.log(3, loss=1.0)
    run.break_off()
    assert written() == [0, 1, 2, 3]


def test_what_cannot_be_kept_is_refused(run: Run) -> None:
    with pytest.raises(InvalidRequest, match=r"'thing.0' is an object of class"):
        run.checkpoint(1, thing=[object()])
    assert run.resume() == 0


def test_a_state_without_tensors_is_one() -> None:
    assert restore_state({}, pack_state({"a": 1})[1], {}) == {"a": 1}


def test_loaders_that_are_distributed_give_all_rows(run: Run) -> None:
    model = nn.Linear(1, 1)
    rows = torch.arange(10.0).reshape(-1, 1)
    loader = DataLoader(TensorDataset(rows), batch_size=4, shuffle=True)
    same, batches = run.distribute(model, loader=loader)
    assert same is model
    assert len(batches) == 3
    assert sorted(torch.cat([batch for (batch,) in batches]).flatten().tolist()) == list(range(10))
    assert batches.batch_sampler is not None

    class Endless(IterableDataset[int]):
        def __iter__(self) -> Any:
            return iter(range(5))

    _, batches = run.distribute(model, loader=DataLoader(Endless(), batch_size=2))
    assert [batch.tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    with pytest.raises(InvalidRequest, match="a torch optimizer second, not a int"):
        run.distribute(model, 3)


def bundle_of(run: Run, folder: Path) -> Any:
    assert read_manifest(folder / "bundle.aimass").algorithm == "code"
    return load_bundle(folder / "bundle.aimass")


def test_a_chain_that_learnt_from_the_dataset_takes_its_columns(run: Run, tmp_path: Path) -> None:
    assert run.dataset
    run.dataset.tensors()
    run.log(0, loss=0.5)
    run.register(nn.Sequential(nn.Linear(4, 3)))
    model = bundle_of(run, tmp_path)
    assert model.manifest.signature.inputs[0].name == "sepal_length"
    assert model.manifest.metrics == {"loss": 0.5}
    row = {name: [1.0] for name in run.dataset.columns}
    assert model.predict(row)["label"].shape == (1,)


def test_any_other_model_takes_and_gives_tensors(run: Run, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    example = torch.randn(3, 2, 3)
    run.register(model, example)
    wanted = model(example).detach().numpy()
    given = bundle_of(run, tmp_path).predict({"input": example.numpy()})["output"]
    assert np.allclose(given, wanted, atol=1e-5)
    run.register(model, example, classes=["no", "yes"])
    labels = bundle_of(run, tmp_path).predict({"input": example.numpy()})["label"]
    assert labels.tolist() == [["no", "yes"][i] for i in wanted.argmax(1)]


@pytest.mark.slow
def test_a_module_is_exported_by_torch(run: Run, tmp_path: Path) -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = torch.tanh(self.a(x)) * torch.sigmoid(self.a(x))
            return self.b(hidden)

    model, example = Gated(), torch.randn(5, 4)
    run.register(model, example)
    rows = torch.randn(9, 4)
    given = bundle_of(run, tmp_path).predict({"input": rows.numpy()})["output"]
    assert np.allclose(given, model(rows).detach().numpy(), atol=1e-5)

    class Branching(Gated):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.b(self.a(x)) if float(x.sum()) > 0 else self.b(self.a(-x))

    with pytest.raises(Failed, match="no form in ONNX"):
        run.register(Branching(), example)

    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.out = nn.Embedding(9, 4), nn.Linear(4, 3)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.out(self.words(ids).mean(1))

    tokens = torch.tensor([[1, 2, 3], [4, 8, 0]])
    words = Counted().double()  # whole numbers in, and layers of another type
    run.register(words, tokens)
    model = bundle_of(run, tmp_path)
    assert model.manifest.signature.example["input"] == [1, 2, 3]
    given = model.predict({"input": tokens.numpy()})["output"]
    assert np.allclose(given, words(tokens).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("step", ["a", 1.5, None, torch.ones(2), float("nan")])
def test_a_step_that_is_no_whole_number_is_named(run: Run, step: Any) -> None:
    with pytest.raises(InvalidRequest, match="a step is a whole number"):
        run.log(step, loss=1.0)
    run.log(np.int64(2), loss=1.0)
    run.log(torch.tensor(3), loss=1.0)


@pytest.mark.parametrize(
    ("model", "example", "classes", "said"),
    [
        (nn.Linear(4, 3), None, None, "needs an example"),
        (nn.Linear(4, 3), torch.ones(2, 5), None, "does not take the example"),
        (nn.LSTM(4, 3), torch.ones(2, 4), None, "must give one tensor"),
        (nn.Linear(4, 3), torch.ones(2, 4), ["a", "b"], "2 classes are named"),
        (nn.Linear(4, 3), torch.ones(0, 4), None, "no rows"),
        (nn.Embedding(4, 3), torch.tensor([[2**25]]), None, "up to 16,777,216"),
        (nn.Linear(4, 3), [["a", "b"]], None, "no array of numbers"),
        (nn.Embedding(4, 3), [[0, 9]], None, "torch.int64 of shape (1, 2)"),
        (3, torch.ones(2, 4), None, "takes a torch model"),
    ],
)
def test_what_cannot_be_registered_is_refused(
    run: Run, model: Any, example: Any, classes: Any, said: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        run.register(model, example, classes=classes)
    assert said in str(raised.value)
