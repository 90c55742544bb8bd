"""What a terminal may be sent: text of jobs and of other people must not steer it.

Owns the rule for one piece of text. Colours stay; a file or a pipe gets every byte, so whoever
prints asks where to first.
"""

from __future__ import annotations

import re
from typing import TextIO

_STEERING = re.compile(
    r"(\x1b\[[0-9;]*m)"  # a colour
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # a title, a link, what is put on the clipboard
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # moves and clears
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def for_stream(text: str, stream: TextIO) -> str:
    """The text as it may be written to a stream: harmless if that is a terminal."""
    return harmless(text) if stream.isatty() else text


def harmless(text: str) -> str:
    """The text without what would move the cursor, name the window, or ring."""
    return _STEERING.sub(lambda found: found[1] or "", text)
