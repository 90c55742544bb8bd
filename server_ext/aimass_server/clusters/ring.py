"""A ring of samples, the older the thinner: each for minutes, one a minute for a day, one an hour
for a month. A thinned sample is the mean of those that it stands for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from aimass_jupyter.contract.clusters import NodeUse
from aimass_jupyter.contract.ids import utc_now

#: For how long samples are kept, and how far apart they are; None: as they came.
_TIERS: tuple[tuple[float, float | None], ...] = (
    (600.0, None),
    (86_400.0, 60.0),
    (31 * 86_400.0, 3600.0),
)


class Ring:
    """The samples of one node, in three tiers."""

    def __init__(self, known: Iterable[NodeUse] = ()) -> None:
        self._tiers: list[deque[NodeUse]] = [deque() for _ in _TIERS]
        self._gathering: list[list[NodeUse]] = [[] for _ in _TIERS]
        for sample in known:
            self.add(sample)

    def add(self, sample: NodeUse) -> None:
        """Take a sample, newer than all before it."""
        for number, (seconds, apart) in enumerate(_TIERS):
            tier, gathering = self._tiers[number], self._gathering[number]
            if apart is None:
                tier.append(sample)
            else:
                if gathering and _slot(gathering[0], apart) != _slot(sample, apart):
                    tier.append(mean(gathering))
                    gathering.clear()
                gathering.append(sample)
            while tier and (sample.at - tier[0].at).total_seconds() > seconds:
                tier.popleft()

    def samples(self) -> list[NodeUse]:
        """All, oldest first, each moment once and as finely as it is known."""
        found: list[NodeUse] = []
        for tier in self._tiers:  # the finest first: what is before it comes from a thinner one
            begins = found[0].at if found else utc_now()
            found = [sample for sample in tier if sample.at < begins] + found
        return found


def _slot(sample: NodeUse, apart: float) -> int:
    return int(sample.at.timestamp() // apart)


def mean(samples: list[NodeUse]) -> NodeUse:
    """The mean of some samples, at the time of the first."""
    values: dict[str, Any] = {"at": samples[0].at}
    for name, field in NodeUse.model_fields.items():
        known = [value for sample in samples if (value := getattr(sample, name)) is not None]
        if name == "at" or not known:
            continue
        value = sum(known) / len(known)
        values[name] = round(value) if field.annotation in (int, int | None) else value
    return NodeUse(**values)
