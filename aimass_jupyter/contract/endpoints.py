"""Endpoints: stable URLs that predict. A deployment binds a model version to an endpoint."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import (
    NAME_PATTERN,
    Done,
    Page,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
    secret,
)
from aimass_jupyter.contract.models import Signature
from aimass_jupyter.contract.operation import Operation

EndpointState = Literal["starting", "ready", "failed", "stopped"]


class Endpoint(Resource):
    """An endpoint and the model version behind it."""

    id: str
    name: str
    owner: str
    tenant: str
    url: str = Field(description="Base of the Open Inference Protocol v2 routes of this model.")
    model: str = Field(description="name@version")
    state: EndpointState
    message: str = Field("", description="Why it failed, when it did.")
    signature: Signature
    created_at: UtcTime
    deployed_at: UtcTime
    previous: str = Field("", description="name@version served before; rollback serves it again.")
    key: str | None = secret("A new API key; shown this once and never again.")


class EndpointDeploy(Request):
    model: str = argument(
        help="The model version to serve: name, name@version or name@alias.",
        positional=True,
        completes="models",
        max_length=200,
    )
    name: str | None = argument(
        None, help="Name of the endpoint; by default the model's.", pattern=NAME_PATTERN
    )


class EndpointRef(Request):
    endpoint: str = argument(
        help="Name or id.", positional=True, completes="endpoints", max_length=128
    )


class EndpointList(PageRequest):
    pass


class PredictRequest(EndpointRef):
    rows: list[dict[str, Any]] = argument(
        help='Rows to predict, a list with a value for every input in each: [{"age": 41}].',
        positional=True,
        min_length=1,
        max_length=10_000,
    )


class Latency(Resource):
    """How long answers took, in milliseconds; None where there was none."""

    mean_ms: float | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


class EndpointSample(Latency):
    """What an endpoint was asked within a few seconds."""

    at: UtcTime
    seconds: float = Field(description="How long the sample is.")
    requests: int
    errors: int = Field(description="Requests that it failed to answer.")
    refused: int = Field(description="Requests that were wrong, and told so.")


class VersionShare(Resource):
    """What one model version had of the requests."""

    model: str = Field(description="name@version")
    requests: int
    errors: int
    share: float = Field(description="Of all requests, 0 to 1.")


class ReplicaState(Resource):
    """A process that answers for an endpoint."""

    model: str = Field(description="name@version")
    state: EndpointState
    waiting: int = Field(description="Requests that wait for it now.")


class EndpointUsage(Resource):
    """How an endpoint is used: the last minutes, as its gateway counted them."""

    endpoint: str
    model: str
    state: EndpointState
    message: str = ""
    since: UtcTime = Field(description="When the gateway began to count.")
    window_seconds: float = Field(description="How much of the past the numbers are of.")
    requests: int
    errors: int = Field(description="Requests that it failed to answer.")
    refused: int = Field(description="Requests that were wrong, and told so.")
    requests_per_second: float = Field(description="Over the last minute.")
    requests_ever: int = Field(description="Since the gateway began to count.")
    errors_ever: int
    latency: Latency
    versions: list[VersionShare] = Field(description="How the requests were split.")
    replicas: list[ReplicaState]
    history: list[EndpointSample] = Field(description="Oldest first; times without one are idle.")


class Prediction(Resource):
    """What the model says, one entry a row."""

    endpoint: str
    model: str
    predictions: list[Any] = Field(description="The class, or the number, of each row.")
    outputs: dict[str, list[Any]] = Field(description="Every output of the model, by name.")


OPERATIONS = (
    Operation(
        name="endpoints.deploy",
        method="POST",
        path="/endpoints",
        short="deploy",
        request=EndpointDeploy,
        response=Endpoint,
        permission="endpoints:create",
        help="Serve a model version at a URL of its own; an endpoint that exists is switched over.",
        examples=("deploy digits@production", "deploy digits@3 --name digits-beta"),
    ),
    Operation(
        name="endpoints.list",
        method="GET",
        path="/endpoints",
        short="endpoints",
        request=EndpointList,
        response=Page[Endpoint],
        permission="endpoints:read",
        help="List the endpoints.",
        examples=("endpoints list",),
    ),
    Operation(
        name="endpoints.show",
        method="GET",
        path="/endpoints/{endpoint}",
        request=EndpointRef,
        response=Endpoint,
        permission="endpoints:read",
        help="Show an endpoint: URL, model, state, inputs and outputs.",
        examples=("endpoints show digits",),
    ),
    Operation(
        name="endpoints.usage",
        method="GET",
        path="/endpoints/{endpoint}/usage",
        request=EndpointRef,
        response=EndpointUsage,
        permission="endpoints:read",
        help="Show how an endpoint is used: requests, latency, errors, by version.",
        examples=("endpoints usage digits",),
    ),
    Operation(
        name="endpoints.rollback",
        method="POST",
        path="/endpoints/{endpoint}/rollback",
        short="rollback",
        request=EndpointRef,
        response=Endpoint,
        permission="endpoints:create",
        help="Serve the model version again that the endpoint served before.",
        examples=("rollback digits",),
    ),
    Operation(
        name="endpoints.key",
        method="POST",
        path="/endpoints/{endpoint}/keys",
        request=EndpointRef,
        response=Endpoint,
        permission="endpoints:create",
        help="Issue one more API key for an endpoint; it is shown once.",
        examples=("endpoints key digits",),
    ),
    Operation(
        name="endpoints.delete",
        method="DELETE",
        path="/endpoints/{endpoint}",
        request=EndpointRef,
        response=Done,
        permission="endpoints:delete",
        help="Stop serving and delete an endpoint.",
        examples=("endpoints delete digits",),
    ),
    Operation(
        name="endpoints.predict",
        safe=True,
        method="POST",
        path="/endpoints/{endpoint}/predict",
        short="predict",
        request=PredictRequest,
        response=Prediction,
        permission="predict:create",
        help="Predict rows through an endpoint.",
        examples=("""predict sales '[{"age": 42, "city": "Oslo", "visits": 3}]'""",),
    ),
)
