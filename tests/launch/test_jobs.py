"""Training jobs under a supervisor: real ranks of each engine, from order to bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aimass_jupyter.bundle import read_manifest
from aimass_jupyter.contract.jobs import Cause
from aimass_jupyter.data import columns_of, open_dataset
from aimass_jupyter.inference import load_bundle
from tests.launch.conftest import Launched, until

Job = Callable[..., Launched]
Finished = Callable[[str, int], Launched]
ENGINES = [("single", 1), ("torchrun", 2), ("horovod", 2)]


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "np"), ENGINES)
def test_a_job_ends_with_a_good_model(finished: Finished, engine: str, np: int) -> None:
    launched = finished(engine, np)
    assert Cause.model_validate(launched.cause).code == "finished", launched.exit_record
    manifest = read_manifest(launched.folder / "bundle.aimass")
    assert manifest.metrics["accuracy"] is not None
    assert manifest.metrics["accuracy"] > 0.95
    assert metrics_of(launched) == manifest.metrics
    for rank in range(np):
        assert f"rank {rank} of {np}" in launched.log(f"rank-{rank}.log")
    assert list((launched.folder / "log").glob("*.pipe")) == []


@pytest.mark.slow
def test_engines_agree(finished: Finished) -> None:
    """Same ranks, same seed, same metrics: gradients are averaged over rows, whoever does it."""
    horovod, torchrun = finished("horovod", 2), finished("torchrun", 2)
    assert metrics_of(horovod) == pytest.approx(metrics_of(torchrun), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "np"), ENGINES)
def test_tensorboard_reads_its_curves(finished: Finished, engine: str, np: int) -> None:
    folder = finished(engine, np).folder / "tb"
    assert len(list(folder.iterdir())) == 1
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    assert set(reader.Tags()["scalars"]) == {
        "loss/train", "loss/validation", "accuracy/validation", "f1/validation",
        "log_loss/validation", "learning_rate", "speed/rows_per_second", "progress/fraction",
    }  # fmt: skip
    assert len(reader.Scalars("loss/train")) == len(reader.Scalars("learning_rate")) == 6 * 23
    assert len(reader.Scalars("accuracy/validation")) == 6
    assert reader.Scalars("progress/fraction")[-1].value == 1.0


@pytest.mark.slow
def test_the_bundle_predicts(finished: Finished, digits: Path) -> None:
    model = load_bundle(finished("single", 1).folder / "bundle.aimass")
    table = open_dataset(digits)
    columns = columns_of(table, ["image", "digit"])
    answers = model.predict({"image": columns["image"]})
    right = [int(a) == int(d) for a, d in zip(answers["label"], columns["digit"], strict=True)]
    assert sum(right) / len(right) > 0.95


def metrics_of(launched: Launched) -> dict[str, float]:
    return dict(json.loads((launched.folder / "metrics.json").read_text())["metrics"])


@pytest.mark.slow
def test_a_failing_job_names_rank_and_reason(job: Job) -> None:
    cause = job("torchrun", 2, label="digti").run()["cause"]
    assert cause["code"] == "error"
    assert "there is no column 'digti'" in cause["message"]
    assert "did you mean 'digit'?" in cause["message"]
    assert cause["rank"] in (0, 1)
    assert cause["last_lines"] == []  # the message says it all


@pytest.mark.slow
def test_a_dataset_without_a_label_is_told_its_columns(job: Job) -> None:
    cause = job("single", 1, label="").run()["cause"]
    assert "has no label" in cause["message"]
    assert "image, digit" in cause["message"]


@pytest.mark.slow
def test_more_ranks_than_rows_is_refused(job: Job, launched: Launched, tiny: Path) -> None:
    job("torchrun", 4, label="label", dataset=tiny)
    assert "fewer than 4 ranks" in launched.run()["cause"]["message"]


@pytest.mark.slow
def test_secrets_do_not_reach_the_ranks(
    job: Job, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOKEN", "canary-7261")
    supervisor = job("horovod", 2, epochs=1).start()
    pid = launched.rank(1).pid
    shown = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"canary" not in shown
    supervisor.terminate()
    supervisor.wait()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_a_job_listens_on_loopback_alone(job: Job, launched: Launched, engine: str) -> None:
    supervisor = job(engine, 2, epochs=100_000, architecture="linear").start()
    until(lambda: "epoch 1/" in launched.log("rank-0.log"))
    connections = [
        connection
        for process in launched.processes()
        for connection in psutil.Process(process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    supervisor.terminate()
    supervisor.wait()
    assert connections
    assert {connection.laddr.ip for connection in connections} == {"127.0.0.1"}
