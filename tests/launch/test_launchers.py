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
from aimass_jupyter.launch.environment import job_environment
from aimass_jupyter.launch.launchers import (
    RankExit,
    available_engines,
    find_launcher,
)
from aimass_jupyter.launch.order import JobOrder
from tests.launch.conftest import Launched

FOLDER = Path("/data/jobs/a job")
HOROVOD_SAYS = """\
Process 1 exit with status code 137.
Terminating remaining workers after failure of Process 1.
Process 0 exit with status code 143.
RuntimeError: Horovod detected that one or more processes exited with non-zero status
Exit code: 137
"""
TORCHRUN_SAYS = """\
Failures:
[1]:
  time      : 2026-01-01_00:00:00
  host      : here
  rank      : 0 (local_rank: 0)
  exitcode  : 1 (pid: 41)
  error_file: <N/A>
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-01-01_00:00:00
  host      : here
  rank      : 1 (local_rank: 1)
  exitcode  : -9 (pid: 42)
  error_file: <N/A>
"""


def order(engine: str, np: int = 2) -> JobOrder:
    return JobOrder("job_1", engine, np, "/opt/job env/bin/python")


@pytest.mark.parametrize("engine", ["single", "horovod", "torchrun"])
def test_each_runs_our_rank_in_the_job_environment(engine: str) -> None:
    argv, environment = find_launcher(engine).command(order(engine), FOLDER)
    assert argv[0] == "/opt/job env/bin/python"
    assert argv[-2:] == ["aimass_jupyter.training.rank", str(FOLDER)]
    assert all(isinstance(part, str) for part in [*argv, *environment, *environment.values()])


def test_horovod_stays_on_loopback_and_keeps_no_cache() -> None:
    argv, _ = find_launcher("horovod").command(order("horovod", 3), FOLDER)
    for pair in (["-np", "3"], ["-H", "localhost:3"], ["--network-interfaces", "lo"]):
        assert pair == argv[(at := argv.index(pair[0])) : at + 2]
    assert "--disable-cache" in argv


def test_torchrun_never_meets_where_an_earlier_attempt_did() -> None:
    first, second = (find_launcher("torchrun").command(order("torchrun"), FOLDER) for _ in "12")
    assert first[1]["AIMASS_MEETING"] != second[1]["AIMASS_MEETING"]


@pytest.mark.parametrize(
    ("engine", "output", "exits"),
    [
        ("single", "", [RankExit(0, -9)]),
        ("horovod", HOROVOD_SAYS, [RankExit(1, 137), RankExit(0, 143)]),
        ("torchrun", TORCHRUN_SAYS, [RankExit(0, 1), RankExit(1, -9)]),
        ("horovod", "", []),
    ],
)
def test_exits_of_ranks_are_read(engine: str, output: str, exits: list[RankExit]) -> None:
    assert find_launcher(engine).exits(output, -9) == exits


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
