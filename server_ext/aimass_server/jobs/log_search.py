"""Searching a job's logs: lines that hold a text, or that a regular expression finds.

Files are read in pieces, never whole. An expression is run by a short-lived program with a time
limit, so that one that never ends costs its asker an error and the server nothing. Where it is only
the log that is long, the answer has what was found so far, and its cursor goes on from there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.contract.errors import InvalidRequest

SEARCHED_BYTES = 32 << 20  # in one answer; the cursor goes on from there
EXPRESSION_SECONDS = 5.0
_PIECE_BYTES = 1 << 20

#: Which of some lines are wanted.
Filter = Callable[[list[str]], list[bool]]

_PROGRAM = """
import json, re, sys
asked = json.load(sys.stdin)
found = re.compile(asked["pattern"], re.IGNORECASE if asked["ignore_case"] else 0).search
json.dump([bool(found(line)) for line in asked["lines"]], sys.stdout)
"""


class TimeIsUp(Exception):
    """What an answer may take is spent; what was found until then stands."""


@dataclass
class Search:
    """What is looked for, once.

    Attributes
    ----------
    seconds_left
        What an expression may still take.
    looked_at
        Times that it was asked and answered.
    """

    text: str
    regex: bool = False
    ignore_case: bool = False
    seconds_left: float = EXPRESSION_SECONDS
    looked_at: int = 0

    def filter(self, lines: list[str]) -> list[bool]:
        """Which of the lines hold it.

        Raises
        ------
        InvalidRequest
            When it is no regular expression, or one that takes too long for the first of all lines.
        TimeIsUp
            When others were looked at, and these are for another answer.
        """
        if self.regex:
            found = self._by_expression(lines)
            self.looked_at += 1
            return found
        if self.ignore_case:
            wanted = self.text.casefold()
            return [wanted in line.casefold() for line in lines]
        return [self.text in line for line in lines]

    def _by_expression(self, lines: list[str]) -> list[bool]:
        asked = {"pattern": self.text, "ignore_case": self.ignore_case, "lines": lines}
        began = time.monotonic()
        if self.looked_at and self.seconds_left <= 0:
            raise TimeIsUp
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _PROGRAM], input=json.dumps(asked),
                capture_output=True, text=True, timeout=max(0.0, self.seconds_left), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            if self.looked_at:
                raise TimeIsUp from None
            raise InvalidRequest(
                f"--grep '{self.text[:80]}' was not done after {EXPRESSION_SECONDS:.0f} s",
                "take a simpler one, or a smaller part of the log: --from-byte",
            ) from None
        self.seconds_left -= time.monotonic() - began
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise InvalidRequest(
                f"--grep '{self.text[:80]}' is no regular expression: "
                f"{said[-1].removeprefix('re.error: ') if said else 'it cannot be read'}",
                "leave --regex out to look for the text as it is",
            )
        return [bool(one) for one in json.loads(done.stdout)]


def search(
    path: Path, offset: int, limit_bytes: int, budget: int, wanted: Filter, *, final: bool
) -> tuple[list[tuple[int, str]], int]:
    """Look through a log from an offset on.

    Parameters
    ----------
    limit_bytes
        Bytes of lines to find at most; one that is longer is cut.
    budget
        Bytes to look through at most.

    Returns
    -------
    lines, offset
        Each line with where it begins, and where the search ended.
    """
    found: list[tuple[int, str]] = []
    end = offset + budget
    for start, lines in _pieces(path, offset, end, final):
        texts = [line.decode(errors="replace").rstrip("\n") for line in lines]
        at = start
        try:
            chosen = wanted(texts)
        except TimeIsUp:
            return found, start
        for line, text, is_wanted in zip(lines, texts, chosen, strict=True):
            if is_wanted:
                if limit_bytes <= 0:
                    return found, at
                found.append((at, text[:limit_bytes]))
                limit_bytes -= len(line)
            at += len(line)
        offset = at
    return found, offset


def _pieces(
    path: Path, offset: int, end: int, final: bool
) -> Iterator[tuple[int, list[bytes]]]:  # fmt: skip
    """Whole lines, some at a time, with where they begin; a line without an end at the end."""
    with path.open("rb") as file:
        file.seek(offset)
        while offset < end:
            content = file.read(_PIECE_BYTES)
            whole = content.rfind(b"\n") + 1
            ends = len(content) < _PIECE_BYTES
            if (not whole and not ends) or (ends and final):
                whole = len(content)  # a line longer than a piece, or the last of all
            if not whole:
                return
            yield offset, content[:whole].splitlines(keepends=True)
            offset += whole
            file.seek(offset)
