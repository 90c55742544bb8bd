"""The ledger: what the clients of a storm sent, what was acknowledged, what was done to each job.

It is kept beside the product, in memory of the storm, and never asks the product anything.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

#: What a job does by itself: see ``work.py``. One of kind ``again`` is tried again after a fault.
Kind = Literal["finish", "fail", "memory", "wait", "quiet", "again"]
#: What the storm did to a job's processes: it killed one, or paused one that goes on; the
#: kernel kills one that was starved.
Harm = Literal[
    "",
    "rank",
    "launcher",
    "supervisor",
    "paused",
    "paused launcher",
    "paused supervisor",
    "starved",
]


@dataclass
class Entry:
    """One submission: a name that no other has, and the key under which it is sent again.

    Attributes
    ----------
    upload
        The upload of its code; the same at each attempt, as the whole request.
    ids
        Every job id that an answer named for this key.
    stop_sent, stop_acknowledged
        Whether somebody asked to stop it, and was answered that it is.
    """

    name: str
    key: str
    kind: Kind
    upload: str = ""
    ids: set[str] = field(default_factory=set)
    harm: Harm = ""
    stop_sent: bool = False
    stop_acknowledged: bool = False
    told: list[str] = field(default_factory=list)
    follower_fault: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether a client was told that the job is taken."""
        return bool(self.ids)

    @property
    def retries(self) -> int:
        """How often it is to be queued again after a fault."""
        return 1 if self.kind == "again" else 0

    @property
    def most_starts(self) -> int:
        """How often its work may begin."""
        return 1 + self.retries if self.harm in ("rank", "launcher", "supervisor") else 1

    @property
    def job(self) -> str:
        """The id that was acknowledged."""
        return min(self.ids)

    def ends(self) -> set[tuple[str, str]]:
        """How the job may end: state and code of the cause."""
        harmed: dict[str, tuple[str, str]] = {
            "rank": ("failed", "signal"),
            "launcher": ("failed", "signal"),
            "supervisor": ("lost", "lost"),
            "starved": ("failed", "out-of-memory"),
        }
        alone: dict[str, tuple[str, str]] = {
            "fail": ("failed", "error"),
            "memory": ("failed", "out-of-memory"),
        }
        if self.harm in harmed and self.most_starts == 1:
            return {harmed[self.harm]}
        own = alone.get(self.kind, ("succeeded", "finished"))
        if self.stop_acknowledged and self.kind in ("wait", "again"):  # it cannot have ended before
            return {("stopped", "stopped")}
        return {own, ("stopped", "stopped")} if self.stop_sent else {own}


class Ledger:
    """All submissions of a storm, in their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: list[Entry] = []

    def begin(self, kind: Kind) -> Entry:
        """A new submission, not sent yet."""
        with self._lock:
            number = len(self.entries)
            entry = Entry(f"storm-{number:05}", f"key-of-storm-{number:05}", kind)
            self.entries.append(entry)
        return entry
