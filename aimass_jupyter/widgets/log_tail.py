"""The end of a job's log, as a screen would show it: bounded, without terminal escapes."""

from __future__ import annotations

import re

MAX_LINES = 400
MAX_LINE_LENGTH = 2_000
MAX_OPEN_LENGTH = 65_536

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def tidy(line: str) -> str:
    """Return a line as a terminal leaves it: what a carriage return overwrote is gone."""
    shown = _ESCAPE.sub("", line).rstrip("\r").rpartition("\r")[2]
    shown = _CONTROL.sub("", shown)
    return shown if len(shown) <= MAX_LINE_LENGTH else f"{shown[:MAX_LINE_LENGTH]} …"


class LogTail:
    """The last lines of a log that grows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open = ""

    def append(self, text: str) -> list[str]:
        """Add text and return the lines that it finished; a line may come in several pieces."""
        *whole, rest = (self._open + text).split("\n")
        self._open = rest[-MAX_OPEN_LENGTH:]
        return self._add(whole)

    def finish(self) -> list[str]:
        """Take what never got its line end for a line, now that nothing more comes."""
        rest, self._open = self._open, ""
        return self._add([rest] if rest else [])

    def _add(self, whole: list[str]) -> list[str]:
        new = [tidy(line) for line in whole[-MAX_LINES:]]
        self.lines = [*self.lines, *new][-MAX_LINES:]
        return new
