"""What the gateway counted of an endpoint, in the contract's words. It counts nothing itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aimass_jupyter.contract.endpoints import (
    EndpointSample,
    EndpointUsage,
    Latency,
    ReplicaState,
    VersionShare,
)
from aimass_server.store.endpoints import KeptEndpoint

RATE_SECONDS = 60.0
WINDOW_SECONDS = 900.0


def usage_of(endpoint: KeptEndpoint, counted: dict[str, Any], now: datetime) -> EndpointUsage:
    """The usage of an endpoint, from the counts of the gateway."""
    since = datetime.fromtimestamp(counted["since"], UTC)
    lived = max(1.0, (now - since).total_seconds())
    history = [_sample(slot) for slot in counted["history"]]
    recent = now - timedelta(seconds=RATE_SECONDS)
    lately = sum(one.requests for one in history if one.at >= recent)
    return EndpointUsage(
        endpoint=endpoint.name,
        model=endpoint.model,
        state=endpoint.state,
        message=endpoint.message,
        since=since,
        window_seconds=min(WINDOW_SECONDS, lived),
        requests=counted["requests"],
        errors=counted["errors"],
        refused=counted["refused"],
        requests_per_second=lately / min(RATE_SECONDS, lived),
        requests_ever=counted["requests_ever"],
        errors_ever=counted["errors_ever"],
        latency=Latency(**counted["latency"]),
        versions=[_share(one, counted["requests"]) for one in counted["versions"]],
        replicas=[
            ReplicaState(model=one["model"], state=endpoint.state, waiting=one["waiting"])
            for one in counted["replicas"]
        ],
        history=history,
    )


def _share(counted: dict[str, Any], requests: int) -> VersionShare:
    return VersionShare(
        model=counted["model"],
        requests=counted["requests"],
        errors=counted["errors"],
        share=counted["requests"] / max(1, requests),
    )


def _sample(slot: dict[str, Any]) -> EndpointSample:
    return EndpointSample(**slot | {"at": datetime.fromtimestamp(slot["at"], UTC)})
