"""Placement: on which nodes the ranks of a job find room, all of them or none.

Pure functions over what is free; who comes first is the queue's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ANY = "any"
EVERYBODY = "*"

#: Ranks, or room for them, by the name of a node.
Slots = Mapping[str, int]


@dataclass(frozen=True)
class Room:
    """A node as the queue sees it.

    Attributes
    ----------
    tenants
        For whom it is set aside; empty is everybody.
    memory
        In bytes; infinite where nobody said how much there is.
    """

    name: str
    slots: int
    profile: str = ""
    labels: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    memory: float = float("inf")
    gpus: float = 0


@dataclass(frozen=True)
class Wants:
    """What a job wants of its nodes.

    Attributes
    ----------
    nodes
        How many of each profile, ``any`` standing for all; empty: whichever have room.
    labels
        That each of them must have.
    """

    nodes: tuple[tuple[str, int], ...] = ()
    labels: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, nodes: Iterable[str], labels: Iterable[str]) -> Wants:
        """Read ``cpu-large:2`` and its like; the same profile may come twice."""
        counts: dict[str, int] = {}
        for text in nodes:
            profile, _, count = text.rpartition(":")
            counts[profile] = counts.get(profile, 0) + int(count)
        asked = sorted(counts.items(), key=lambda item: item[0] == ANY)  # who takes any comes last
        return cls(tuple(asked), frozenset(labels))

    @property
    def least_nodes(self) -> int:
        """How many nodes it wants by their number."""
        return sum(count for _, count in self.nodes)

    def suits(self, room: Room, tenant: str) -> bool:
        """Whether a job of a tenant may be on a node."""
        aside = not room.tenants or tenant in room.tenants or EVERYBODY in room.tenants
        return aside and self.labels <= room.labels

    def could_take(self, room: Room, tenant: str) -> bool:
        """The same, its profile looked at too."""
        profiles = {profile for profile, _ in self.nodes} or {ANY}
        return self.suits(room, tenant) and bool(profiles & {ANY, room.profile})


#: What a job wants that says nothing.
ANYWHERE = Wants()


def place(
    free: Slots, rooms: Iterable[Room], wants: Wants, tenant: str, least: int, most: int
) -> dict[str, int] | None:
    """Where the ranks of a job go; None when there is no room for ``least`` of them.

    More that is free never makes a job homeless: the nodes with most room are taken.
    """
    suited = [room for room in rooms if free.get(room.name, 0) > 0 and wants.suits(room, tenant)]
    if wants.nodes:
        return _on_chosen(free, suited, wants, least, most)
    total = sum(free[room.name] for room in suited)
    if total < least:
        return None
    return _packed(free, suited, min(most, total))


def _packed(free: Slots, rooms: list[Room], ranks: int) -> dict[str, int]:
    """On one node if one has room, the fullest such; else on as few as will do."""
    enough = [room for room in rooms if free[room.name] >= ranks]
    if enough:
        return {min(enough, key=lambda room: (free[room.name], room.name)).name: ranks}
    found = {}
    for room in sorted(rooms, key=lambda room: (-free[room.name], room.name)):
        found[room.name] = min(ranks, free[room.name])
        ranks -= found[room.name]
        if not ranks:
            break
    return found


def _on_chosen(
    free: Slots, rooms: list[Room], wants: Wants, least: int, most: int
) -> dict[str, int] | None:
    """So many nodes of each profile, each with a rank at least, and as even as they allow."""
    chosen: list[str] = []
    for profile, count in wants.nodes:
        left = [r for r in rooms if r.name not in chosen and profile in (ANY, r.profile)]
        left.sort(key=lambda room: (-free[room.name], room.name))
        if len(left) < count:
            return None
        chosen += [room.name for room in left[:count]]
    ranks = min(most, sum(free[name] for name in chosen))
    if ranks < max(least, len(chosen)):
        return None
    return _evenly(free, chosen, ranks)


def _evenly(free: Slots, names: list[str], ranks: int) -> dict[str, int]:
    found = dict.fromkeys(names, 0)
    while ranks:
        for name in names:
            if ranks and found[name] < free[name]:
                found[name] += 1
                ranks -= 1
    return found
