"""Training jobs under a supervisor: real ranks of each engine, from order to bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_jupyter.bundle import read_manifest
from aimass_jupyter.contract.jobs import Cause
from aimass_jupyter.launch.launchers import available_engines
from tests.launch.conftest import Launched

Job = Callable[..., Launched]
ENGINES = [("single", 1), ("torchrun", 2), ("horovod", 2)]


def require(engine: str) -> None:
    if reason := available_engines()[engine]:
        pytest.skip(f"engine {engine}: {reason}")


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "np"), ENGINES)
def test_a_job_ends_with_a_good_model(job: Job, engine: str, np: int) -> None:
    require(engine)
    launched = job(engine, np, epochs=6)
    record = launched.run()
    assert Cause.model_validate(record["cause"]).code == "finished", record
    manifest = read_manifest(launched.folder / "bundle.aimass")
    assert manifest.metrics["accuracy"] is not None
    assert manifest.metrics["accuracy"] > 0.95
    assert json.loads((launched.folder / "metrics.json").read_text())["metrics"] == manifest.metrics
    for rank in range(np):
        assert f"rank {rank} of {np}" in launched.log(f"rank-{rank}.log")
    assert list((launched.folder / "log").glob("*.pipe")) == []
    assert list((launched.folder / "tb").glob("events.out.tfevents.*"))


@pytest.mark.slow
def test_engines_agree(job: Job, launched: Launched) -> None:
    """Same ranks, same seed, same metrics: gradients are averaged over rows, whoever does it."""
    for engine in ("horovod", "torchrun"):
        require(engine)
    metrics = []
    for engine in ("horovod", "torchrun"):
        job(engine, 2, epochs=2, hidden=16).run()
        metrics.append(json.loads((launched.folder / "metrics.json").read_text())["metrics"])
        launched.clear()
    assert metrics[0] == pytest.approx(metrics[1], abs=1e-6)


@pytest.mark.slow
def test_a_failing_job_names_rank_and_reason(job: Job) -> None:
    require("torchrun")
    cause = job("torchrun", 2, label="digti").run()["cause"]
    assert cause["code"] == "error"
    assert "there is no column 'digti'" in cause["message"]
    assert "did you mean 'digit'?" in cause["message"]
    assert cause["rank"] in (0, 1)
    assert any("InvalidRequest" in line for line in cause["last_lines"])


@pytest.mark.slow
def test_a_dataset_without_a_label_is_told_its_columns(job: Job) -> None:
    cause = job("single", 1, label="").run()["cause"]
    assert "has no label" in cause["message"]
    assert "image, digit" in cause["message"]


@pytest.mark.slow
def test_more_ranks_than_rows_is_refused(job: Job, launched: Launched, tiny: Path) -> None:
    require("torchrun")
    job("torchrun", 4, label="label", dataset=tiny)
    assert "fewer than 4 ranks" in launched.run()["cause"]["message"]


@pytest.mark.slow
def test_secrets_do_not_reach_the_ranks(
    job: Job, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What horovodrun puts into the argv of its ranks is for the whole machine to read."""
    require("horovod")
    monkeypatch.setenv("JUPYTER_TOKEN", "canary-7261")
    supervisor = job("horovod", 2, epochs=1).start()
    pid = launched.rank(1).pid
    shown = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"canary" not in shown
    supervisor.terminate()
    supervisor.wait()
