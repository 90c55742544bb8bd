"""The use of an endpoint as rows of text."""

from __future__ import annotations

from aimass_jupyter.contract.endpoints import EndpointUsage, Latency


def rows(usage: EndpointUsage) -> list[tuple[str, str]]:
    """An endpoint's use as names and values."""
    minutes = max(1, round(usage.window_seconds / 60))
    told = [
        ("endpoint", f"{usage.endpoint} · {usage.model}"),
        ("state", f"{usage.state}: {usage.message}" if usage.message else usage.state),
        (f"last {minutes} min", _counts(usage)),
        ("requests/s", f"{usage.requests_per_second:.3g} over the last minute"),
        ("latency", latency(usage.latency)),
    ]
    told += [
        (one.model, f"{one.requests} requests ({one.share:.0%}), {one.errors} errors")
        for one in usage.versions
    ]
    return told + [
        ("replica", f"{one.model}, {one.state}, {one.waiting} waiting") for one in usage.replicas
    ]


def latency(told: Latency) -> str:
    """Percentiles in milliseconds."""
    if told.p50_ms is None:
        return "nothing was asked yet"
    known = (("p50", told.p50_ms), ("p90", told.p90_ms), ("p95", told.p95_ms), ("p99", told.p99_ms))
    return ", ".join(f"{name} {value:.3g} ms" for name, value in known if value is not None)


def _counts(usage: EndpointUsage) -> str:
    return f"{usage.requests} requests, {usage.errors} errors, {usage.refused} refused"
