"""Fault 20: the machine goes down, and comes up again under another boot id.

A machine is a PID namespace: its first process dies and takes all the others with it, at once and
without a word, and in the next one the same process numbers are given out again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace of its own needs root"),
]

BOOT = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


def _boot(folder: Path, phase: str) -> dict[str, Any]:
    """Let a machine live until it has answered, then take its power away."""
    boot_id = folder / "boot_id"
    boot_id.write_text(f"{uuid.uuid4()}\n")
    does = (sys.executable, "-m", "tests.faults.one_boot", phase, str(folder / "data"))
    namespace = ("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
    with subprocess.Popen(
        [*namespace, "sh", "-c", BOOT, str(boot_id), *does], stdout=subprocess.PIPE
    ) as machine:
        assert machine.stdout
        answer = machine.stdout.readline()
        machine.kill()
    said: dict[str, Any] = json.loads(answer)
    return said


def test_20_nothing_is_adopted_across_boots(tmp_path: Path) -> None:
    _boot(tmp_path, "before")
    jobs = _boot(tmp_path, "after")
    assert jobs["once"]["state"] == "lost"
    assert "machine restarted" in jobs["once"]["cause"]
    again = jobs["again"]
    assert (again["state"], again["before"]) == ("succeeded", ["lost"])
    assert "going on from the checkpoint after step" in again["log"]
    assert again["steps"] == sorted(set(again["steps"]))
    assert jobs["waiting"]["state"] == "succeeded"
