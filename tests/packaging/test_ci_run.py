"""The entry of continuous integration: the exit code is true and pytest's line comes last."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci" / "run"
CLOSING = "=========== 3 passed, 1 skipped in 2.50s ==========="


def _run(tmp_path: Path, lines: list[str], code: int) -> tuple[int, str]:
    """Run .ci/run in a checkout whose ``make test`` prints some lines and ends with a code."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(RUN, tmp_path / ".ci" / "run")
    recipe = "".join(f"\t@echo '{line}'\n" for line in lines)
    (tmp_path / "Makefile").write_text(f"test:\n{recipe}\t@exit {code}\n")
    done = subprocess.run(
        ["bash", ".ci/run"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines()[-1]


def test_success(tmp_path: Path) -> None:
    assert _run(tmp_path, ["jest: 9 passed", CLOSING], 0) == (0, CLOSING)


def test_failure_keeps_its_code_and_pytests_line(tmp_path: Path) -> None:
    closing = "=========== 1 failed, 3 passed in 2.50s ==========="
    code, last = _run(tmp_path, [closing], 1)
    assert code != 0
    assert last == closing


@pytest.mark.parametrize("lines", [[], ["Tests: 9 passed, 9 total"]])
def test_a_run_that_tested_nothing_has_failed(tmp_path: Path, lines: list[str]) -> None:
    assert _run(tmp_path, lines, 0) == (1, "no tests ran")
