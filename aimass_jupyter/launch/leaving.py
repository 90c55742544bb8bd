"""Leaving: when a job is to end before its work is done, and whether its state is kept first.

Whoever wants it ended writes ``stop.json`` into its folder: a person, the queue that needs its
slots, or its own supervisor when its time is up. It starts and ends nothing.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.durations import duration_in_words
from aimass_jupyter.host import newest_below, read_record, write_first
from aimass_jupyter.launch.causes import Cause

STOP_RECORD = "stop.json"
KEEP_SECONDS = 20.0


class Leaving:
    """What was asked of one job.

    Parameters
    ----------
    most_seconds
        How long it may run; None is no limit.
    """

    def __init__(self, folder: Path, most_seconds: float | None = None) -> None:
        self._folder = folder
        self._most_seconds = most_seconds
        self._began = time.monotonic()
        self._asked: dict[str, Any] = {}
        self._asked_at = 0.0

    def due(self) -> bool:
        """Whether it ends now: it was asked to, and its state is kept as far as that can be."""
        self._end_in_time()
        path = self._folder / STOP_RECORD
        if not path.exists():
            return False
        asked = read_record(path) or {}
        if asked != self._asked:
            self._asked, self._asked_at = asked, time.monotonic()
        waited = time.monotonic() - self._asked_at
        keeps = asked.get("keep") and waited < _patience(self._folder)
        return not keeps or self._kept(path)

    def cause(self) -> Cause:
        """Why it ended, when it was asked to."""
        asked = read_record(self._folder / STOP_RECORD) or {}
        by = asked.get("by", "a signal to its supervisor")
        if code := asked.get("cause"):
            return Cause(str(code), str(asked.get("message") or by))
        return Cause("stopped", f"stopped by {by}")

    def _end_in_time(self) -> None:
        """Ask for its end when its time is up; who asked before that is not overruled."""
        most = self._most_seconds
        if most is None or time.monotonic() - self._began < most:
            return
        self._most_seconds = None
        message = f"it ran for {duration_in_words(most)}, which is its --max-time"
        wanted = {"by": "its time limit", "cause": "time-limit", "message": message, "keep": True}
        write_first(self._folder / STOP_RECORD, wanted)

    def _kept(self, asked: Path) -> bool:
        """Whether there is a checkpoint of after the request."""
        newest = newest_below(self._folder / "checkpoints", "step-*.safetensors")
        return newest is not None and newest >= asked.stat().st_mtime


def _patience(folder: Path) -> float:
    """How long it pays to wait for a checkpoint that is made because we ask.

    Own code makes them when it likes. Ranks on nodes hear of it through their leader.
    """
    spec = read_record(folder / "spec.json") or {}
    hears = bool(spec) and not spec.get("source")
    return KEEP_SECONDS if hears else 0.0
