"""``aimass train SCRIPT`` as a user types it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Server


def aimass(server: Server, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aimass_jupyter.cli", *words],
        capture_output=True, text=True, cwd=folder, check=False, timeout=120,
        env=os.environ | {"AIMASS_DATA": str(server.folder)},
    )  # fmt: skip


@pytest.mark.slow
def test_a_script_runs_with_its_own_arguments_and_files(server: Server, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("word = 'beside'\n")
    (tmp_path / "data.txt").write_text("forty-two")
    (tmp_path / "say.py").write_text(
        "import sys, beside\nprint(beside.word, sys.argv[1:], open('data.txt').read())\n"
    )
    refused = aimass(server, tmp_path, "train", "say.py")
    assert refused.returncode == 2
    assert "say.py line 2: file 'data.txt' does not travel" in refused.stderr
    line = ["train", "say.py", "--files", "data.txt", "--wait", "--", "--epochs", "3"]
    done = aimass(server, tmp_path, *line)
    assert done.returncode == 0, done.stderr
    assert "beside ['--epochs', '3'] forty-two" in done.stderr
    assert "beside.py" in done.stderr
    assert "succeeded" in done.stdout
    again = aimass(server, tmp_path, "rerun", "say", "--wait")
    assert "beside ['--epochs', '3'] forty-two" in again.stderr
    with closing(sqlite3.connect(f"file:{server.folder}/aimass.db?mode=ro", uri=True)) as database:
        audited = database.execute("SELECT subject FROM audit WHERE operation = 'jobs.submit'")
        assert ("say",) in audited.fetchall()  # its name; not the code, which travelled as text
