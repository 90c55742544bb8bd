"""Restarts: whether the ranks of a job are started again after a failure, and how many of them.

It starts nothing itself. What fails the same way each time is not tried again: wrong data, wrong
code, too little memory or disk, a loss that is no number.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.quantities import counted
from aimass_jupyter.host import forget_beats, write_notice, write_record
from aimass_jupyter.launch.causes import (
    Cause,
    Evidence,
    find_cause,
    forget_failures,
    oom_kills,
    read_failures,
)
from aimass_jupyter.launch.launchers import RankExit
from aimass_jupyter.launch.order import JobOrder

RESTARTS_RECORD = "restarts.json"
_RETRIED = frozenset({"error", "node-lost", "signal", "stalled"})
_LONGEST_WAIT_SECONDS = 30.0
_CODE_IS_WRONG = frozenset(
    {
        "AttributeError", "ImportError", "IndentationError", "ModuleNotFoundError", "NameError",
        "SyntaxError", "TabError", "TypeError", "UnboundLocalError",
    }
)  # fmt: skip


@dataclass
class Restarts:
    """The attempts at a job so far.

    Attributes
    ----------
    count
        How often its ranks were started again.
    live
        Whether the ranks that are left go on by themselves, in their processes.
    """

    folder: Path
    work: JobOrder
    wait: Callable[[float], object] = time.sleep
    live: bool = False
    count: int = 0
    _failures: list[dict[str, Any]] = field(default_factory=list)
    _kills: int = field(default_factory=oom_kills)
    _in_vain: int = 0
    _newest: str = ""

    def next_np(
        self, np: int, exits: list[RankExit], left: int | None = None
    ) -> int | None:  # fmt: skip
        """After an attempt with ``np`` ranks failed: how many to start now, or None.

        ``left`` is how many still have a place, where somebody else knows that. It returns when it
        is time to, and what the failed ranks said has been put aside.
        """
        cause = self._cause(exits)
        ranks = self._ranks_left(np) if left is None else left
        reason = self._refusal(cause, ranks < np)
        print(f"attempt {self.count + 1} failed: {cause.message}", flush=True)
        if reason:
            if self.work.max_restarts or self.work.elastic:
                print(f"it is not started again: {reason}", flush=True)
            return None
        self.wait(self._back_off())
        self._begin(cause, ranks)
        return ranks

    def _cause(self, exits: list[RankExit]) -> Cause:
        kills, self._kills = self._kills, oom_kills()
        evidence = Evidence(
            folder=self.folder, code=exits[0].code, stopped=None,
            oom_kills=self._kills - kills, exits=exits, last_lines=lambda _: [],
        )  # fmt: skip
        return find_cause(evidence)

    def _refusal(self, cause: Cause, shrinks: bool) -> str:
        """Why it is of no use, or not allowed; empty when it is."""
        said = next((f for f in read_failures(self.folder) if not f["disconnected"]), None)
        if cause.code not in _RETRIED or (said and said["foreseen"]):
            return "the same would happen again"
        if said and said["type"] in _CODE_IS_WRONG:
            return f"a {said['type']} is a mistake in the code"
        if self.count >= self.work.max_restarts and not shrinks:
            return f"--max-restarts is {self.work.max_restarts}"
        return ""

    def _ranks_left(self, np: int) -> int:
        """An elastic job goes on with one rank less, down to the least that it may have."""
        return max(self.work.least, np - 1) if self.work.elastic else np

    def _back_off(self) -> float:
        """Seconds to wait: none after progress, else 1, 2, 4… up to half a minute."""
        newest = max(
            (path.name for path in (self.folder / "checkpoints").glob("step-*")), default=""
        )
        self._in_vain = 0 if newest != self._newest else self._in_vain + 1
        self._newest = newest
        return min(_LONGEST_WAIT_SECONDS, 2.0 ** (self._in_vain - 1)) if self._in_vain else 0.0

    def _begin(self, cause: Cause, ranks: int) -> None:
        self.count += 1
        self._failures.append(cause.as_record() | {"at": time.time(), "ranks": ranks})
        where = "the newest checkpoint" if self._newest else "the beginning"
        what = "those that are left go on" if self.live else f"{who_go_on(ranks)} from {where}"
        print(f"restart {self.count}: {what}", flush=True)
        with contextlib.suppress(OSError):  # a full disk ends no job that could go on
            write_record(
                self.folder / RESTARTS_RECORD,
                {"restarts": self.count, "failures": self._failures},
            )
            name = f"restart-{self.count:04d}"
            text = f"restart {self.count}, {what}: {cause.message}"
            write_notice(self.folder, name, text)
        forget_failures(self.folder)
        forget_beats(self.folder)


def who_go_on(ranks: int) -> str:
    """``1 rank goes on``, ``2 ranks go on``."""
    return f"{counted(ranks, 'rank')} {'goes' if ranks == 1 else 'go'} on"
