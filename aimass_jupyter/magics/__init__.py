"""``%aimass``: the operation table as IPython magics.

Parse, call, show: the words of a line become a call of the client; the answer is a Python object
whose rich and plain views are IPython's own formatters for the contract's classes. Nothing here
knows how a job runs, and nothing depends on a cell's output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def register(shell: InteractiveShell) -> None:
    """Add the magics, their completion and the views of their answers to a shell."""
    from aimass_jupyter.magics.completion import complete_with
    from aimass_jupyter.magics.display import show_answers
    from aimass_jupyter.magics.magic import AimassMagics
    from aimass_jupyter.magics.question import answer_questions

    magics = AimassMagics(shell)
    shell.register_magics(magics)
    show_answers(shell)
    complete_with(shell, magics)
    answer_questions(shell)
