"""Services: notebooks that are published as dashboards, each its own Voila process."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aimass_jupyter.contract.base import (
    NAME_PATTERN,
    Page,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.operation import Operation

ServiceState = Literal["starting", "ready", "failed", "stopped"]


class Service(Resource):
    """A published notebook."""

    id: str
    name: str
    owner: str
    tenant: str
    notebook: str = Field(description="Name of the notebook's file.")
    version: int
    state: ServiceState
    message: str = Field("", description="Why it failed, when it did.")
    url: str = Field(description="Where viewers open it; carries the token that lets them in.")
    created_at: UtcTime
    published_at: UtcTime


class ServicePublish(Request):
    notebook: str = argument(help="The notebook (.ipynb).", positional=True, file=True)
    name: str | None = argument(
        None, help="Name of the service; by default that of the notebook.", pattern=NAME_PATTERN
    )


class ServiceRef(Request):
    service: str = argument(
        help="Name or id.", positional=True, completes="services", max_length=128
    )


class ServiceList(PageRequest):
    pass


class ServiceLogs(ServiceRef):
    cursor: str = argument("", help="From the answer before: only what came after.", max_length=128)
    limit_bytes: int = argument(200_000, help="Bytes to answer at most.", ge=1, le=4_000_000)


class ServiceLog(Resource):
    """A stretch of a service's log: what its page and its kernels wrote."""

    text: str
    cursor: str = Field(description="Ask with this cursor to get what comes after.")
    end: bool = Field(description="Whether it has ended and nothing comes after.")


OPERATIONS = (
    Operation(
        name="services.publish",
        method="POST",
        path="/services",
        short="publish",
        request=ServicePublish,
        response=Service,
        permission="services:create",
        help="Publish a notebook as a dashboard, after opening it once to see that it works.",
        examples=("publish report.ipynb --name sales",),
    ),
    Operation(
        name="services.list",
        method="GET",
        path="/services",
        short="services",
        request=ServiceList,
        response=Page[Service],
        permission="services:read",
        help="List the published notebooks.",
        examples=("services list",),
    ),
    Operation(
        name="services.show",
        method="GET",
        path="/services/{service}",
        request=ServiceRef,
        response=Service,
        permission="services:read",
        help="Show a published notebook: URL, version, state.",
        examples=("services show sales",),
    ),
    Operation(
        name="services.logs",
        method="GET",
        path="/services/{service}/logs",
        request=ServiceLogs,
        response=ServiceLog,
        permission="services:create",
        help="Read the log of a published notebook of yours; of its last start when it has ended.",
        examples=("services logs sales",),
    ),
    Operation(
        name="services.stop",
        method="POST",
        path="/services/{service}/stop",
        request=ServiceRef,
        response=Service,
        permission="services:stop",
        help="Stop a published notebook; publishing it again starts it.",
        examples=("services stop sales",),
    ),
)
