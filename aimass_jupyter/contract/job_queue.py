"""Why a job waits, and until when."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aimass_jupyter.contract.base import Resource
from aimass_jupyter.contract.jobs import JobState


class Blocker(Resource):
    """One thing that keeps a job from starting."""

    kind: Literal["slots", "nodes", "quota", "dependency", "priority", "retry"]
    message: str


class Why(Resource):
    """Why a job waits, and until when."""

    job: str
    name: str
    state: JobState
    position: int | None = Field(None, description="Its place in the queue, from 1.")
    waiting: int = Field(0, description="How many jobs wait.")
    blockers: list[Blocker] = []
    starts_in_seconds: float | None = Field(
        None,
        description="When it should start, if jobs run as long as ones like them did, and come "
        "in as they did lately.",
    )
    expected_seconds: float | None = Field(None, description="How long it should run.")
    memory_bytes: int | None = Field(
        None, description="Memory that each rank is given: as asked for, or as ones like it took."
    )
    notes: list[str] = Field(
        default_factory=list,
        description="What else concerns its turn: a deadline in danger, who makes room.",
    )
