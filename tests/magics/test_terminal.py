"""The magics in plain IPython, which has no kernel, and in an environment that lacks torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server

# What an environment without torch says to whoever imports it; make environments makes real ones.
NO_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch())
"""
LINES = (
    "%load_ext aimass_jupyter",
    "%aimass",
    "%aimass trian",
    "%aimass train --dataset iris --algorithm classification --epochs 1 --name plain --wait",
    "%%aimass train --name own-plain --wait\ndef train(run):\n    run.log(0, loss=1.0)\n",
    "%aimass jobs",
)
MARK = "-- next --"


def _in_ipython(server: Server, folder: Path) -> list[str]:
    """What each line shows."""
    (folder / "sitecustomize.py").write_text(NO_TORCH)
    script = folder / "lines.py"
    script.write_text(
        "".join(f"_ = get_ipython().run_cell({line!r})\nprint({MARK!r})\n" for line in LINES)
    )
    given = {
        "AIMASS_DATA": str(server.folder),
        "IPYTHONDIR": str(folder),
        "NO_COLOR": "1",
        "PYTHONPATH": str(folder),
    }
    argv = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", str(script)]
    ran = subprocess.run(
        argv,
        env=os.environ | given,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=240,
    )
    shown = ran.stdout.split(MARK)
    assert len(shown) == len(LINES) + 1, ran.stdout
    return shown


def test_all_of_it_in_plain_ipython_without_torch(
    server: Server, trained: Job, tmp_path: Path
) -> None:
    _, start, typo, train, own, jobs, _ = _in_ipython(server, tmp_path)
    assert "%aimass" in start
    assert "did you mean 'train'" in typo
    assert "Traceback" not in typo
    assert "epoch 1/1" in train  # its log, as it came
    assert "plain@1" in train  # and how it ended
    assert "succeeded" in own
    assert "own-plain" in jobs
