"""The end of a log, as a screen would show it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.widgets.log_tail import MAX_LINE_LENGTH, MAX_LINES, LogTail, tidy


def test_a_line_may_come_in_pieces() -> None:
    tail = LogTail()
    assert tail.append("[0] epo") == []
    assert tail.append("ch 1\n[1] ep") == ["[0] epoch 1"]
    assert tail.finish() == ["[1] ep"]
    assert tail.lines == ["[0] epoch 1", "[1] ep"]
    assert tail.finish() == []


def test_escapes_and_overwritten_text_are_not_shown() -> None:
    assert tidy("\x1b[31merror\x1b[0m") == "error"
    assert tidy("10 %\r50 %\r100 %\r") == "100 %"
    assert tidy("\x1b]8;;http://example.test\x07link\x1b]8;;\x07") == "link"
    assert tidy("bell\x07 and\x00 zero\ttab") == "bell and zero\ttab"


def test_a_flood_stays_bounded() -> None:
    tail = LogTail()
    new = tail.append("y\n" * 10_000 + "x" * 1_000_000)
    assert len(new) == len(tail.lines) == MAX_LINES
    (last,) = tail.finish()
    assert len(last) <= MAX_LINE_LENGTH + 2
    assert len(tail.lines) == MAX_LINES


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), max_size=30))
def test_pieces_make_the_same_lines_as_the_whole(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    whole, pieces = LogTail(), LogTail()
    whole.append(text)
    for character in text:
        pieces.append(character)
    assert whole.lines == pieces.lines == lines
