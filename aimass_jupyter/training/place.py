"""The place of this process among its ranks, as the launcher's environment tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One rank of ``size``; ``local_rank`` counts on this node."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1


def find_place(environment: Mapping[str, str]) -> Place:
    """Read the variables of ``horovodrun`` or ``torchrun``; without them, the only rank."""
    if "HOROVOD_RANK" in environment:
        names = ("HOROVOD_RANK", "HOROVOD_SIZE", "HOROVOD_LOCAL_RANK", "HOROVOD_LOCAL_SIZE")
    elif "TORCHELASTIC_RUN_ID" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    else:
        return Place()
    return Place(*(int(environment[name]) for name in names))
