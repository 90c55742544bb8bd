"""Launchers: what they would start, what they read of it, and what an environment has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import aimass_jupyter
from aimass_jupyter.contract.errors import NotFound
from aimass_jupyter.host import write_record
from aimass_jupyter.launch.environment import job_environment
from aimass_jupyter.launch.launchers import (
    GANG_RECORD,
    RankExit,
    available_engines,
    find_launcher,
)
from aimass_jupyter.launch.order import JobOrder
from tests.launch.conftest import Launched

FOLDER = Path("/data/jobs/a job")


def order(engine: str, np: int = 2) -> JobOrder:
    return JobOrder("job_1", engine, np, "/opt/job env/bin/python")


@pytest.mark.parametrize("engine", ["single", "horovod", "torchrun"])
def test_each_runs_a_gang_in_the_job_environment(engine: str) -> None:
    argv, environment = find_launcher(engine).command(order(engine), FOLDER)
    assert argv[0] == "/opt/job env/bin/python"
    assert argv[-2:] == ["aimass_jupyter.launch.gang", str(FOLDER)]
    assert all(isinstance(part, str) for part in [*argv, *environment, *environment.values()])


@pytest.mark.parametrize("engine", ["single", "horovod", "torchrun"])
def test_exits_of_ranks_are_read(engine: str, tmp_path: Path) -> None:
    launcher = find_launcher(engine)
    assert launcher.exits(tmp_path, "", 1) == []  # it failed before it forked a rank
    exits = [{"rank": 1, "code": -9}, {"rank": 0, "code": 1}]
    write_record(tmp_path / GANG_RECORD, {"attempt": 0, "pids": [7, 8], "exits": exits})
    assert launcher.exits(tmp_path, "", 137) == [RankExit(1, -9), RankExit(0, 1)]


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(NotFound, match=r"no launcher for engine 'horrovod'.*'horovod'"):
        find_launcher("horrovod")


def test_the_engines_of_this_environment_as_json() -> None:
    program = [sys.executable, "-X", "importtime", "-m", "aimass_jupyter.launch", "--engines"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == available_engines()
    assert set(available_engines()) >= {"single", "horovod", "torchrun"}
    assert " torch\n" not in done.stderr


def test_an_environment_without_torch_says_so() -> None:
    """Without site-packages, and so without torch: the launchers must import nothing of it."""
    bare = [sys.executable, "-S", "-m", "aimass_jupyter.launch", "--engines"]
    source = str(Path(aimass_jupyter.__file__).parents[1])
    said = json.loads(subprocess.check_output(bare, env={"PYTHONPATH": source}))
    assert {said[name] for name in ("single", "horovod", "torchrun")} == {"torch is not installed"}


def test_a_job_whose_engine_is_missing_is_not_started(job: Callable[..., Launched]) -> None:
    launched = job("single", 1)
    bare = [sys.executable, "-S", "-m", "aimass_jupyter.launch", str(launched.folder)]
    source = str(Path(aimass_jupyter.__file__).parents[1])
    subprocess.run(bare, env={"PYTHONPATH": source}, check=True)
    assert launched.cause["code"] == "not-started"
    assert (
        "engine 'single' cannot be used here: torch is not installed" in launched.cause["message"]
    )


def test_a_job_gets_what_it_needs_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_TIME", "C")
    for secret in ("JUPYTER_TOKEN", "AWS_SECRET_ACCESS_KEY", "AIMASS_TOKEN", "LD_PRELOAD"):
        monkeypatch.setenv(secret, "canary")
    environment = job_environment(ranks=1000)
    assert "canary" not in environment.values()
    assert environment["LC_TIME"] == "C"
    assert environment["PATH"]
    assert environment["OMP_NUM_THREADS"] == "1"
