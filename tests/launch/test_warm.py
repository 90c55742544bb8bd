"""The warm launcher, as the control plane talks with it: real jobs, forked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.host import is_alive, read_record, send_signal, write_record
from aimass_jupyter.launch.marking import ROOM
from tests.launch.conftest import Launched, Launcher, until

pytestmark = pytest.mark.slow

Job = Callable[..., Launched]
ENGINES = [("single", 1), ("torchrun", 2), ("horovod", 2)]


def run(warm: Launcher, launched: Launched) -> dict[str, Any]:
    """Run a job to its end."""
    supervisor = warm.start(launched)
    until(lambda: not is_alive(supervisor))
    return launched.exit_record


@pytest.mark.parametrize(("engine", "np"), ENGINES)
def test_a_warm_job_does_as_a_cold_one(
    job: Job, warm: Launcher, finished: Callable[[str, int], Launched], engine: str, np: int
) -> None:
    launched = job(engine, np, epochs=6)
    assert run(warm, launched)["cause"]["code"] == "finished", launched.exit_record
    record = read_record(launched.folder / "started.json")
    assert record
    assert record["start"] == "warm"
    assert launched.log("launcher.log").startswith("warm start")
    cold = finished(engine, np)
    assert cold.log("launcher.log").startswith("cold start")
    ours, theirs = (
        json.loads((one.folder / "metrics.json").read_text())["metrics"] for one in (launched, cold)
    )
    assert ours == theirs
    assert launched.processes() == []


def test_its_ranks_carry_the_marker_and_nothing_of_its_own(job: Job, warm: Launcher) -> None:
    launched = job("torchrun", 2, epochs=100_000, architecture="linear")
    supervisor = warm.start(launched)
    for number in (0, 1):
        rank = launched.rank(number)  # it has the marker
        environment = Path(f"/proc/{rank.pid}/environ").read_bytes()
        assert b"canary" not in environment
        assert ROOM.value.encode() not in environment
        assert str(launched.folder / "lock") not in opened(rank.pid)
    send_signal(supervisor, signal.SIGTERM)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["code"] == "stopped"
    assert launched.processes() == []


def opened(pid: int) -> set[str]:
    """What a process has open; it goes on while it is looked at, so a file may close meanwhile."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    assert found
    return found


@pytest.mark.faults
@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.5])
def test_a_stop_in_any_phase_leaves_nothing(job: Job, warm: Launcher, after: float) -> None:
    launched = job("horovod", 2, epochs=100_000, architecture="linear")
    supervisor = warm.start(launched)
    time.sleep(after)
    write_record(launched.folder / "stop.json", {"by": "ada"})
    send_signal(supervisor, signal.SIGTERM)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["message"] == "stopped by ada"
    assert launched.processes() == []


def test_a_folder_that_is_taken_is_left_alone(job: Job, warm: Launcher) -> None:
    launched = job("single", 1, epochs=1)
    run(warm, launched)
    before = launched.exit_record
    warm.ask(launched.folder)
    assert warm.hear() == {"started": str(launched.folder)}
    assert launched.exit_record == before


def test_it_refuses_another_environment_and_what_is_no_order(
    job: Job, warm: Launcher, tmp_path: Path
) -> None:
    launched = job("single", 1)
    record = read_record(launched.folder / "spec.json")
    assert record
    write_record(launched.folder / "spec.json", record | {"python": "/opt/other/bin/python"})
    warm.ask(launched.folder)
    assert "/opt/other/bin/python" in warm.hear()["why"]
    warm.ask(tmp_path / "nowhere")
    assert "spec.json is missing" in warm.hear()["why"]


@pytest.mark.faults
def test_its_jobs_outlive_it_and_a_changed_source_ends_it(
    job: Job, source: Path, tmp_path: Path
) -> None:
    launcher = Launcher(os.environ | {"PYTHONPATH": str(source)}, tmp_path / "warm.log")
    assert launcher.hear() == {"ready": True}
    launched = job("torchrun", 2, epochs=100_000, architecture="linear")
    supervisor = launcher.start(launched)
    rank = launched.rank(0)
    (source / "aimass_jupyter" / "launch" / "gang.py").touch()
    launcher.ask(launched.folder)
    assert "gang.py was changed" in launcher.hear()["why"]
    assert "gang.py was changed" in launcher.hear()["leaving"]
    assert launcher.hang_up() == 0
    until(lambda: "epoch 2/" in launched.log("rank-0.log"))
    assert is_alive(rank)
    send_signal(supervisor, signal.SIGTERM)
    until(lambda: not is_alive(supervisor))
    assert launched.cause["code"] == "stopped"
