"""The command of set-up: its options, its signals, its exit code."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from provision.layout import Layout
from provision.machine import child_environment
from provision.plan import steps
from provision.programs import Screen
from provision.steps import Runner, StepFailed, only_one_at_work

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(words: Sequence[str]) -> int:
    """Run set-up; the exit code."""
    parser = argparse.ArgumentParser(
        prog="setup.py", description="Make .venv with everything the project runs on."
    )
    parser.add_argument("--test", action="store_true", help="also what the browser tests need")
    options = parser.parse_args(words)
    layout, screen = Layout(Path(__file__).resolve().parents[2]), Screen()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with only_one_at_work(layout, screen) as lock:
            environment = child_environment(layout)
            runner = Runner(layout, screen, environment, held=(lock,))
            runner.run(steps(layout, for_tests=options.test))
    except KeyboardInterrupt:
        screen.say("set-up was interrupted; the same command goes on from here")
        return INTERRUPTED
    except StepFailed as failure:
        screen.say(str(failure))
        return 1
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
