"""Problems: a mistake in own code, where it is, and the cure. Found before anything is queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimass_jupyter.contract.errors import InvalidRequest


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake; a warning does not keep the job from being queued."""

    line: int
    message: str
    cure: str
    where: str = "cell"
    warning: bool = False

    @property
    def place(self) -> str:
        """``cell line 7``; only the file when no line is to blame."""
        return f"{self.where} line {self.line}" if self.line else self.where

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class WrongCode(InvalidRequest):
    """Own code with mistakes; each is a line, with its cure."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first, *others = problems
        details = [{"field": p.place, "message": p.message, "cure": p.cure} for p in problems]
        if others:
            message = f"{len(problems)} mistakes; nothing was queued\n" + _lines(problems)
            super().__init__(message, details=details)
        else:
            super().__init__(str(first), first.cure, details=details)


def _lines(problems: Sequence[Problem]) -> str:
    return "\n".join(f"  {problem} → {problem.cure}" for problem in problems)


def refuse(problems: Sequence[Problem]) -> None:
    """Refuse code that has a mistake.

    Raises
    ------
    WrongCode
        Naming each, with its line and its cure.
    """
    mistakes = sorted({problem for problem in problems if not problem.warning})
    if mistakes:
        raise WrongCode(mistakes)
