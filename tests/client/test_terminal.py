"""What comes from jobs and other people cannot steer the terminal that shows it."""

from __future__ import annotations

import io

import pytest

from aimass_jupyter.client.terminal import for_stream, harmless


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc é 漢 …", "a\tb\nc é 漢 …"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;cm0gLXJm\x1b\\after", "after"),
        ("\x1bPdevice\x1b\\after", "after"),
        ("\x1b[2J\x1b[1;1H\x1b[?25lup", "up"),
        ("50%\r100%\x07\x08\x9b2J\x00", "50%100%2J"),
        ("\x1b", ""),
    ],
)
def test_colours_stay_and_nothing_else(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert for_stream(text, Terminal()) == shown
    assert for_stream(text, io.StringIO()) == text
