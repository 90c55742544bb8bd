"""The program of a rank: its log, and how it says that it fails. Real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimass_jupyter.host import write_record
from aimass_jupyter.training.failure import Disconnected, together
from tests.training.conftest import MakeSpec


def run_rank(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "aimass_jupyter.training.rank", str(folder)]
    return subprocess.run(
        program, env=os.environ | environment, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_without_a_supervisor_it_logs_to_a_file(make_spec: MakeSpec, tmp_path: Path) -> None:
    write_record(tmp_path / "spec.json", make_spec("iris", epochs=1).model_dump(mode="json"))
    done = run_rank(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = (tmp_path / "log" / "rank-0.log").read_text()
    assert "rank 0 of 1 on cpu: 120 rows to train on, 30 held out" in log
    assert "epoch 1/1: loss" in log
    assert "Warning" not in log


def test_a_failure_is_recorded_and_logged(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("iris", label="specie")
    write_record(tmp_path / "spec.json", spec.model_dump(mode="json"))
    assert run_rank(tmp_path).returncode == 1
    record = json.loads((tmp_path / "failure-rank-0.json").read_text())
    assert (record["rank"], record["type"], record["disconnected"]) == (0, "InvalidRequest", False)
    assert "no column 'specie'" in record["message"]
    assert "there is no column" in (tmp_path / "log" / "rank-0.log").read_text()


def test_a_pipe_that_nobody_reads_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    os.mkfifo(tmp_path / "log" / "rank-0.pipe")
    assert run_rank(tmp_path).returncode == 1
    assert "FileNotFoundError" in (tmp_path / "log" / "rank-0.log").read_text()


def test_what_breaks_in_a_collective_is_a_lost_connection() -> None:
    with pytest.raises(Disconnected, match="broke: Connection closed by peer"), together():
        raise RuntimeError("Connection closed by peer\nand more")
    with pytest.raises(KeyError), together():
        raise KeyError("ours")
