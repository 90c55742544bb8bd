"""``%aimass train?``: a question mark behind a verb asks for its help, as elsewhere in IPython."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

#: A verb, or a noun and a verb, and nothing else: an argument may end with a question mark.
_QUESTION = re.compile(r"^(\s*)%{1,2}aimass\s+([a-z]+(?:\s+[a-z]+)?)\s*\?{1,2}\s*$")


def answer_questions(shell: InteractiveShell) -> None:
    """Have lines like ``%aimass train?`` read before IPython looks for an object 'train'."""
    forms = shell.input_transformers_cleanup
    if asked_for_help not in forms:
        forms.append(asked_for_help)


def asked_for_help(lines: list[str]) -> list[str]:
    """The lines of a cell, with questions as calls of help; those of a cell magic are its own."""
    if lines and lines[0].startswith("%%") and not _QUESTION.match(lines[0]):
        return lines
    return [_QUESTION.sub(r"\1%aimass help \2\n", line) for line in lines]
