"""Events: what happened, in order, replayable from a sequence number."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aimass_jupyter.contract.base import Page, Request, Resource, UtcTime, argument
from aimass_jupyter.contract.operation import Operation

LAST_SEQUENCE = 2**63 - 1


class Event(Resource):
    """One thing that happened to one subject."""

    sequence: int
    topic: str = Field(description="noun.happening, such as jobs.succeeded")
    subject: str = Field(description="Id of what it happened to.")
    name: str = Field(description="Name of what it happened to.")
    time: UtcTime
    actor: str
    data: dict[str, Any] = {}


class EventList(Request):
    after: int = argument(0, help="Only events after this sequence number.", ge=0, le=LAST_SEQUENCE)
    limit: int = argument(100, help="Events to answer at most.", ge=1, le=1000)


class EventStream(Request):
    after: int | None = argument(
        None,
        help="Replay from this sequence number; without it, from now.",
        ge=0,
        le=LAST_SEQUENCE,
    )


OPERATIONS = (
    Operation(
        name="events.list",
        method="GET",
        path="/events",
        short="events",
        request=EventList,
        response=Page[Event],
        permission="events:read",
        help="List what happened, oldest first.",
        examples=("events list --after 120",),
    ),
    Operation(
        name="events.stream",
        method="GET",
        path="/events/stream",
        request=EventStream,
        response=Event,
        permission="events:read",
        reply="events",
        help="Follow what happens as it happens.",
        examples=("events stream --after 120",),
    ),
)
