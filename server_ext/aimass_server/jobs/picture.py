"""The queue at one moment, as its rules see it. Nothing is decided, read or stored here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aimass_jupyter.contract.job_queue import Blocker
from aimass_server.jobs.placement import ANYWHERE, Room, Slots, Wants

MACHINE = ""
_MANY = 1e9  # of what nobody said how much there is

#: Whoever waits, by (tenant, user).
User = tuple[str, str]


class Amount(NamedTuple):
    """What a rank takes of a node, or what a node has; slots come in halves."""

    slots: float = 1.0
    memory: float = 0.0
    gpus: float = 0.0

    def times(self, ranks: int) -> Amount:
        """What so many ranks take."""
        return Amount(self.slots * ranks, self.memory * ranks, self.gpus * ranks)

    def plus(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(self.slots + other.slots, self.memory + other.memory, self.gpus + other.gpus)

    def minus(self, other: Amount) -> Amount:
        """What is left."""
        return self.plus(other.times(-1))

    def holds(self, each: Amount) -> int:
        """For how many ranks it is enough."""
        pairs = zip(self, each, strict=True)
        room = (min(have / need, _MANY) for have, need in pairs if need)
        return max(0, int(min(room, default=_MANY)))


A_SLOT = Amount()

#: What is free, by the name of a node.
Free = dict[str, Amount]


@dataclass(frozen=True)
class Waiting:
    """A job that waits.

    Attributes
    ----------
    least, most
        Ranks that it needs at least, and at most takes.
    seconds
        How long it is expected to run.
    after, after_names
        The jobs that must end first and have not: their ids, and what people call them.
    wants
        What it wants of its nodes.
    each
        What each of its ranks takes.
    deadline, not_before
        When it should be done, and before when it is not started, as seconds since the epoch.
    name
        What people call it.
    """

    id: str
    user: User
    priority: int
    least: int
    most: int
    seconds: float
    after: tuple[str, ...] = ()
    after_names: tuple[str, ...] = ()
    wants: Wants = ANYWHERE
    each: Amount = A_SLOT
    deadline: float | None = None
    not_before: float = 0.0
    name: str = ""

    @property
    def slots(self) -> float:
        """The slots that it needs at least."""
        return self.least * self.each.slots


@dataclass(frozen=True)
class Running:
    """A job that holds slots; ``ends`` is when it is expected to let go of them.

    Attributes
    ----------
    places
        Its ranks by node; empty where there is one machine.
    leaving
        Whether it was asked to end: its slots are on their way.
    lost
        Seconds of its work that would be lost if it were stopped with its state kept; None where
        it may not be, or cannot keep it.
    """

    id: str
    user: User
    ranks: int
    ends: float
    places: Slots = field(default_factory=dict)
    each: Amount = A_SLOT
    priority: int = 1
    leaving: bool = False
    lost: float | None = None

    @property
    def where(self) -> Slots:
        """Its ranks by node."""
        return self.places or {MACHINE: self.ranks}

    @property
    def slots(self) -> float:
        """The slots that it holds."""
        return self.ranks * self.each.slots


@dataclass(frozen=True)
class Limits:
    """What may run at once; None is no limit. ``nodes`` are empty where there is one machine."""

    slots: int
    jobs_of_user: int | None = None
    slots_of_user: int | None = None
    nodes: tuple[Room, ...] = ()
    memory: float = float("inf")
    gpus: int = 0

    @property
    def rooms(self) -> tuple[Room, ...]:
        """The nodes, or the one machine."""
        return self.nodes or (Room(MACHINE, self.slots, memory=self.memory, gpus=self.gpus),)


@dataclass
class Picture:
    """All that is known at one moment.

    Attributes
    ----------
    used
        Slot-seconds that each user used lately.
    spent
        Why a user may start nothing more for now, for those who have spent a quota.
    anew
        When those quotas begin anew.
    """

    now: float
    limits: Limits
    waiting: list[Waiting]
    running: list[Running]
    used: Mapping[User, float] = field(default_factory=dict)
    spent: Mapping[User, str] = field(default_factory=dict)
    anew: float = float("inf")


@dataclass
class Decision:
    """What to do now.

    Attributes
    ----------
    starts
        The jobs that start, with the ranks that each gets.
    places
        Those ranks by node.
    blocked
        What keeps each of the others, in the order in which they wait.
    """

    starts: dict[str, int] = field(default_factory=dict)
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    blocked: dict[str, Blocker] = field(default_factory=dict)


def free_of(rooms: tuple[Room, ...], running: list[Running]) -> Free:
    """What is free on each node."""
    free = {room.name: Amount(room.slots, room.memory, room.gpus) for room in rooms}
    for job in running:
        take(free, job.where, job.each)
    return free


def take(free: Free, places: Slots, each: Amount) -> None:
    """Count ranks as there; a node that is no longer there has nothing."""
    for name, ranks in places.items():
        if name in free:
            free[name] = free[name].minus(each.times(ranks))


def give_back(free: Free, places: Slots, each: Amount) -> None:
    """Count ranks as gone."""
    take(free, places, each.times(-1))


def ranks_free(free: Free, each: Amount) -> dict[str, int]:
    """For how many ranks there is room on each node."""
    return {name: amount.holds(each) for name, amount in free.items()}
