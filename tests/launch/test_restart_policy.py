"""Which failures are tried again, how often, after how long, and with how many ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.host import read_notices, read_record, write_record
from aimass_jupyter.launch.launchers import RankExit
from aimass_jupyter.launch.order import JobOrder
from aimass_jupyter.launch.restarts import Restarts


class Attempts:
    """A job's restarts; the seconds that it waited are kept, not waited."""

    def __init__(self, folder: Path, np: int = 2, **options: Any) -> None:
        self.folder = folder
        self.waited: list[float] = []
        work = JobOrder("job_1", "torchrun", np, "python", **options)
        self.restarts = Restarts(folder, work, wait=self.waited.append)
        self.np: int | None = np

    def fail(self, code: int = -9, **said: Any) -> int | None:
        """An attempt fails; how many ranks the next one has."""
        if said:
            known = {"rank": 1, "foreseen": False, "disconnected": False, "time": 1.0}
            write_record(self.folder / "failure-rank-1.json", known | said)
        assert self.np is not None
        self.np = self.restarts.next_np(self.np, [RankExit(1, code)])
        return self.np

    def checkpoint(self, step: int) -> None:
        path = self.folder / "checkpoints" / f"step-{step:09d}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ({}, True),
        ({"type": "RuntimeError", "message": "the cable fell out"}, True),
        ({"type": "Stalled", "message": "it waits", "cause": "stalled"}, True),
        ({"type": "NameError", "message": "name 'x' is not defined"}, False),
        ({"type": "SyntaxError", "message": "invalid syntax"}, False),
        ({"type": "InvalidRequest", "message": "no column 'x'", "foreseen": True}, False),
        ({"type": "BadData", "message": "row 3", "cause": "bad-data"}, False),
        ({"type": "NotANumber", "message": "nan", "cause": "not-a-number"}, False),
        ({"type": "MemoryError", "message": "MemoryError"}, False),
        ({"type": "OSError", "message": "[Errno 28] No space left on device"}, False),
    ],
)
def test_only_what_may_go_well_the_next_time_is_tried_again(
    tmp_path: Path, said: dict[str, Any], again: bool
) -> None:
    attempts = Attempts(tmp_path, max_restarts=3)
    assert attempts.fail(1 if said else -9, **said) == (2 if again else None)
    assert bool(list(tmp_path.glob("failure-*"))) is not again


def test_only_so_often(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, max_restarts=2)
    assert [attempts.fail(), attempts.fail(), attempts.fail()] == [2, 2, None]
    record = read_record(tmp_path / "restarts.json")
    assert record is not None
    assert (record["restarts"], len(record["failures"])) == (2, 2)
    assert len(read_notices(tmp_path)) == 2


def test_without_progress_it_waits_longer_each_time(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, max_restarts=20)
    for step in (10, 20):
        attempts.checkpoint(step)
        attempts.fail()
    for _ in range(7):
        attempts.fail()
    attempts.checkpoint(30)
    attempts.fail()
    assert attempts.waited == [0, 0, 1, 2, 4, 8, 16, 30, 30, 0]


def test_an_elastic_job_shrinks_to_its_least(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path, np=4, min_np=2, max_np=4)
    assert [attempts.fail(), attempts.fail(), attempts.fail()] == [3, 2, None]


def test_one_that_is_not_to_be_restarted_is_not(tmp_path: Path) -> None:
    assert Attempts(tmp_path).fail() is None
    assert not (tmp_path / "restarts.json").exists()
