"""Endpoints, how they are used, and published notebooks."""

from __future__ import annotations

from aimass_jupyter.client.views.showing import Rows, listed, rows, said
from aimass_jupyter.contract.endpoints import Endpoint, EndpointUsage, Latency
from aimass_jupyter.contract.services import Service


@listed.register
def _listed(item: Endpoint) -> dict[str, str]:
    return {
        "endpoint": item.name,
        "state": item.state,
        "model": item.model,
        "url": item.url,
    }


@listed.register
def _service(item: Service) -> dict[str, str]:
    return {
        "service": item.name,
        "state": item.state,
        "notebook": item.notebook,
        "version": str(item.version),
        "url": item.url,
    }


@rows.register
def _rows(endpoint: Endpoint) -> Rows:
    more = {"reason": endpoint.message, "previous": endpoint.previous, "key": endpoint.key}
    return [*listed(endpoint).items(), *said(more)]


@rows.register
def _usage(usage: EndpointUsage) -> Rows:
    minutes = max(1, round(usage.window_seconds / 60))
    told = [
        ("endpoint", f"{usage.endpoint} · {usage.model}"),
        ("state", f"{usage.state}: {usage.message}" if usage.message else usage.state),
        (f"last {minutes} min", _counts(usage)),
        ("requests/s", f"{usage.requests_per_second:.3g} over the last minute"),
        ("latency", _latency(usage.latency)),
    ]
    told += [
        (one.model, f"{one.requests} requests ({one.share:.0%}), {one.errors} errors")
        for one in usage.versions
    ]
    return told + [
        ("replica", f"{one.model}, {one.state}, {one.waiting} waiting") for one in usage.replicas
    ]


def _latency(told: Latency) -> str:
    """Percentiles in milliseconds."""
    if told.p50_ms is None:
        return "nothing was asked yet"
    known = (("p50", told.p50_ms), ("p90", told.p90_ms), ("p95", told.p95_ms), ("p99", told.p99_ms))
    return ", ".join(f"{name} {value:.3g} ms" for name, value in known if value is not None)


def _counts(usage: EndpointUsage) -> str:
    return f"{usage.requests} requests, {usage.errors} errors, {usage.refused} refused"
