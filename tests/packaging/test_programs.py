"""Programs that set-up runs: logged, alive on the screen, and gone when set-up is interrupted."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from provision.layout import Layout
from provision.programs import ProgramFailed, Programs, Screen
from provision.steps import only_one_at_work

TOOLING = Path(__file__).parents[2] / ".ci"

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""

RUN_STUBBORN = f"""
import sys
from pathlib import Path
from provision.programs import PATIENCE, Programs, Screen
log = Path(sys.argv[1])
soon = [(number, 0.5) for number, _ in PATIENCE]
Programs(log, {{}}, Screen(), log.parent, patience=soon).run(sys.executable, "-c", {STUBBORN!r})
"""


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "step.log", {"GREETING": "hello"}, Screen(io.StringIO()), tmp_path)


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def _wait_for(text: Path, words: int, seconds: float = 60) -> list[str]:
    """The last line of a log once it has so many words."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lines = text.read_text().splitlines() if text.exists() else []
        if lines and len(lines[-1].split()) == words:
            return lines[-1].split()
        time.sleep(0.05)
    raise AssertionError(f"{text} has no line of {words} words after {seconds} s")


def test_a_program_sees_only_the_environment_it_is_given(programs: Programs) -> None:
    programs.run(
        sys.executable,
        "-c",
        "import os; print(os.environ['GREETING'], os.environ['MORE'], 'HOME' in os.environ)",
        extra={"MORE": "there"},
    )
    assert programs.tail(1) == ["hello there False"]


def test_a_program_that_asks_gets_no_answer(programs: Programs) -> None:
    with pytest.raises(ProgramFailed):
        programs.run(sys.executable, "-c", "input('sure? ')")
    assert "EOFError" in programs.tail(1)[0]


def test_the_way_a_program_ended_is_named(programs: Programs) -> None:
    with pytest.raises(ProgramFailed, match="SIGKILL"):
        programs.run(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert not programs.succeeds(sys.executable, "-c", "raise SystemExit(1)")
    assert programs.succeeds(sys.executable, "-c", "")


def test_a_working_program_shows_signs_of_life(tmp_path: Path) -> None:
    class Shown(io.StringIO):
        def write(self, text: str) -> int:
            if "20%] part" in text:
                (tmp_path / "seen").touch()
            return super().write(text)

    shown = Shown()
    programs = Programs(tmp_path / "step.log", {}, Screen(shown), tmp_path, heartbeat=0.05)
    works_until_it_is_seen = (
        "import os, time\nprint(f'[ {10 * 2}%] part\\nmore', flush=True)\n"
        "while not os.path.exists('seen'): time.sleep(0.01)"
    )
    programs.run(sys.executable, "-c", works_until_it_is_seen)
    assert "20%] part" in shown.getvalue()


def test_an_interrupt_ends_the_program_and_all_it_started(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    setup = subprocess.Popen(
        [sys.executable, "-c", RUN_STUBBORN, str(log)],
        env={**os.environ, "PYTHONPATH": str(TOOLING)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pids = [int(word) for word in _wait_for(log, words=2)]
    assert all(_alive(pid) for pid in pids)
    setup.send_signal(signal.SIGINT)
    assert setup.wait(timeout=60) != 0
    deadline = time.monotonic() + 60
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


def test_a_second_set_up_waits_and_says_for_whom(tmp_path: Path) -> None:
    wait = (
        "import sys\nfrom pathlib import Path\n"
        "from provision.layout import Layout\nfrom provision.programs import Screen\n"
        "from provision.steps import only_one_at_work\n"
        "with only_one_at_work(Layout(Path(sys.argv[1])), Screen()): print('my turn', flush=True)"
    )
    with only_one_at_work(Layout(tmp_path), Screen(io.StringIO())):
        second = subprocess.Popen(
            [sys.executable, "-c", wait, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(TOOLING)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert second.stdout is not None
        assert f"process {os.getpid()}" in second.stdout.readline()
        assert not select.select([second.stdout], [], [], 0.3)[0]
    assert second.communicate(timeout=60)[0] == "my turn\n"
