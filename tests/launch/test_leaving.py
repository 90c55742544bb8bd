"""Ends that are asked for: when time is up, by the queue, by a person; and what is kept first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.host import read_record, write_first, write_record
from aimass_jupyter.launch.leaving import Leaving
from tests.launch.conftest import Launched

FOREVER = "import time; time.sleep(600)"
PREEMPTED = {"by": "the queue", "cause": "preempted", "message": "for job x", "keep": True}


def test_time_is_up(command: Callable[..., Launched]) -> None:
    launched = command(FOREVER)
    launch = read_record(launched.folder / "launch.json")
    assert launch is not None
    launched.order({**launch, "most_seconds": 0.5})
    cause = launched.run()["cause"]
    assert cause["code"] == "time-limit"
    assert "--max-time" in cause["message"]
    assert not launched.processes()


def test_what_was_started_a_moment_before_everything_is_stopped_begins_nothing(
    command: Callable[..., Launched],
) -> None:
    launched = command(FOREVER)
    assert stop_programs(launched.folder) == 0  # nobody holds the folder yet
    assert launched.run()["cause"]["code"] == "stopped"
    assert not launched.processes()


def test_a_request_waits_for_a_checkpoint_of_a_job_that_hears_it(tmp_path: Path) -> None:
    write_record(tmp_path / "spec.json", {"source": None, "places": []})
    leaving = Leaving(tmp_path)
    assert not leaving.due()
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    write_record(tmp_path / "stop.json", PREEMPTED)
    assert not leaving.due()
    (checkpoints / "step-000000009.safetensors").touch()
    assert leaving.due()
    assert (leaving.cause().code, leaving.cause().message) == ("preempted", "for job x")


def test_who_does_not_hear_it_is_not_waited_for(tmp_path: Path) -> None:
    write_record(tmp_path / "spec.json", {"source": {"kind": "script"}})
    write_record(tmp_path / "stop.json", PREEMPTED)
    assert Leaving(tmp_path).due()


def test_a_person_is_obeyed_at_once_and_not_overruled(tmp_path: Path) -> None:
    write_record(tmp_path / "spec.json", {"source": None})
    write_record(tmp_path / "stop.json", PREEMPTED)
    leaving = Leaving(tmp_path)
    assert not leaving.due()
    write_record(tmp_path / "stop.json", {"by": "ada"})
    assert leaving.due()
    assert leaving.cause().message == "stopped by ada"
    assert not write_first(tmp_path / "stop.json", PREEMPTED)
    assert leaving.cause().code == "stopped"
