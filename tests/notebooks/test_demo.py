"""``make demo``: the quickstart executed, the dashboard published, everything asked for again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    facts = ROOT / "build" / "demo.json"
    facts.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, ROOT / "notebooks" / "demo.py"],
        env=os.environ | {"DEMO_EXIT": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(facts.read_text())
    return found


def test_the_whole_path_is_walked(demo: dict[str, Any]) -> None:
    assert demo["ok"] is True
    assert demo["job"]["state"] == "succeeded"
    assert demo["job"]["np"] == 2
    assert demo["model"]["metrics"]["accuracy"] >= 0.95
    assert demo["endpoint"]["predicted"] == demo["endpoint"]["expected"]
    assert demo["service"]["status"] == demo["tensorboard"]["status"] == 200


def test_nothing_is_left_running(demo: dict[str, Any]) -> None:
    from aimass_jupyter.host import is_locked

    held = [path for path in (ROOT / "build" / "demo").rglob("*lock") if is_locked(path)]
    assert held == []


def test_the_notebooks_hold_no_outputs() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        assert not any(cell.get("outputs") for cell in cells), path.name
