"""The system itself: what runs, what is broken, who asks, which operations there are, tokens."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import (
    Done,
    Page,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
    secret,
)
from aimass_jupyter.contract.operation import Operation

#: The check of doctor that says in which environment jobs run.
JOBS_RUN_IN = "jobs run in"
#: Where a websocket opens and closes again, to see whether one passes.
SOCKET_PATH = "/aimass/socket"

Role = Literal["admin", "author", "viewer"]


class Nothing(Request):
    """An operation that takes nothing."""


class Status(Resource):
    """What the control plane is and has."""

    version: str
    url: str
    data_folder: str
    started_at: UtcTime
    slots: int = Field(description="Ranks that fit on this machine at once.")
    slots_used: float
    gpus: int = Field(0, description="GPUs of this machine.")
    gpu_percent: float | None = Field(
        None, description="How busy they are, all together; None where nothing tells."
    )
    engines: list[str]
    jobs: dict[str, int] = Field(description="Jobs by state.")
    datasets: int
    models: int
    endpoints: int
    services: int
    gateway_url: str | None
    tensorboard_url: str


class Check(Resource):
    """One thing that doctor looked at."""

    name: str
    ok: bool
    found: str
    cure: str = ""


class Diagnosis(Resource):
    """What doctor found."""

    ok: bool
    checks: list[Check]


class Identity(Resource):
    """Who asks, as the control plane sees it."""

    user: str
    role: Role
    tenant: str
    permissions: list[str]
    token: str | None = Field(None, description="Name of the token that was used, if one was.")


class OperationCard(Resource):
    """An operation as a face builds itself from it."""

    name: str
    short: str
    method: str
    path: str
    permission: str
    help: str
    examples: list[str]
    body: str
    reply: str
    open_field: str
    request: dict[str, Any] = Field(description="JSON Schema")
    response: dict[str, Any] = Field(description="JSON Schema")


class Token(Resource):
    """A token of a user, for programs."""

    id: str
    name: str
    user: str
    role: Role
    created_at: UtcTime
    expires_at: UtcTime
    value: str | None = secret("The token itself; shown this once.")


class TokenCreate(Request):
    name: str = argument(help="What it is for.", positional=True, max_length=64, min_length=1)
    role: Role = argument("viewer", help="What it may do; never more than its maker.")
    days: int = argument(30, help="Days until it expires.", ge=1, le=365)


class TokenRef(Request):
    token: str = argument(help="Id of the token.", positional=True, max_length=64)


OPERATIONS = (
    Operation(
        name="system.status",
        method="GET",
        path="/status",
        short="status",
        request=Nothing,
        response=Status,
        permission="system:read",
        help="Show what runs: version, slots, engines, counts, addresses.",
        examples=("status",),
    ),
    Operation(
        name="system.doctor",
        method="GET",
        path="/doctor",
        short="doctor",
        request=Nothing,
        response=Diagnosis,
        permission="system:read",
        help="Look for what is broken in the set-up and say how to mend it.",
        examples=("doctor",),
    ),
    Operation(
        name="system.whoami",
        method="GET",
        path="/whoami",
        short="whoami",
        request=Nothing,
        response=Identity,
        permission="system:read",
        help="Show who you are, your role and what it allows.",
        examples=("whoami",),
    ),
    Operation(
        name="system.operations",
        method="GET",
        path="/operations",
        request=Nothing,
        response=Page[OperationCard],
        permission="system:read",
        help="List every operation with its schemas.",
        examples=("system operations",),
    ),
    Operation(
        name="tokens.create",
        method="POST",
        path="/tokens",
        request=TokenCreate,
        response=Token,
        permission="tokens:create",
        help="Make a token for a program or a person with fewer rights.",
        examples=("tokens create nightly --role author --days 90",),
    ),
    Operation(
        name="tokens.list",
        method="GET",
        path="/tokens",
        request=PageRequest,
        response=Page[Token],
        permission="tokens:read",
        help="List your tokens.",
        examples=("tokens list",),
    ),
    Operation(
        name="tokens.revoke",
        method="DELETE",
        path="/tokens/{token}",
        request=TokenRef,
        response=Done,
        permission="tokens:delete",
        help="Revoke a token at once.",
        examples=("tokens revoke tok_01J…",),
    ),
)
