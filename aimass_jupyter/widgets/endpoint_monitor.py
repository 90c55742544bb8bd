"""How an endpoint is used, live: requests, latency, errors, versions; and the way back."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict, Unicode

from aimass_jupyter.contract.endpoints import Endpoint, EndpointSample, EndpointUsage
from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.live import LiveWidget
from aimass_jupyter.widgets.stills import curves_picture, timed
from aimass_jupyter.widgets.text import sparkline
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

SAMPLE_SECONDS = 5
RIGHTS = {"rollback": "endpoints:create", "stop": "endpoints:delete"}
_COLUMNS = ("requests", "errors", "refused", "p50_ms", "p90_ms", "p99_ms")


def columns(history: list[EndpointSample]) -> dict[str, list[Any]]:
    """The course of an endpoint column by column; times in seconds since the epoch."""
    told: dict[str, list[Any]] = {"at": [round(one.at.timestamp()) for one in history]}
    return told | {name: [getattr(one, name) for one in history] for name in _COLUMNS}


class EndpointMonitor(LiveWidget):
    """Shows how an endpoint is used.

    Parameters
    ----------
    endpoint
        Name or id, or the endpoint itself.
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.

    Examples
    --------
    >>> EndpointMonitor("digits")  # doctest: +SKIP
    """

    _esm = script("endpoint_monitor.js")
    _css = style(
        "base.css", "chart.css", "job_monitor.css", "model_table.css", "run_compare.css",
        "monitors.css",
    )  # fmt: skip

    actions = {
        "rollback": lambda monitor, _message: monitor.roll_back(),
        "stop": lambda monitor, _message: monitor.stop_serving(),
    }

    card = Dict(help="The endpoint and its use, without the course.").tag(sync=True)
    course = Dict(help="Its use over time, column by column.").tag(sync=True)
    notice = Unicode("", help="What was done last, in words.").tag(sync=True)

    def __init__(self, endpoint: str | Endpoint, client: Client | None = None) -> None:
        self.endpoint = endpoint if isinstance(endpoint, str) else endpoint.id
        self.usage: EndpointUsage | None = None
        self._stopped = False
        super().__init__(client)

    @property
    def over(self) -> bool:
        """Whether it was stopped from here."""
        return self._stopped

    def look(self) -> Change:
        """Ask for the endpoint and for its use."""
        endpoint: Endpoint = self.client.endpoints.show(self.endpoint)
        usage: EndpointUsage = self.client.endpoints.usage(endpoint.id)
        may = self.allowed(RIGHTS, endpoint.owner)
        offered = [one for one in may if one != "rollback" or endpoint.previous]
        return partial(self._take, endpoint, usage, offered)

    def roll_back(self) -> Change:
        """Serve the version before again."""
        after: Endpoint = self.client.endpoints.rollback(self.endpoint)
        self.look_again()
        return partial(self.set_trait, "notice", f"{after.name} serves {after.model} again")

    def stop_serving(self) -> Change:
        """Stop serving, for good."""
        self._stopped = True  # before: a look that finds it gone is no surprise
        try:
            self.client.endpoints.delete(self.endpoint)
        except AimassError:
            self._stopped = False
            raise
        return self._gone

    def _gone(self) -> None:
        self.may, self.connection = [], "ended"
        self.card = {**self.card, "state": "stopped", "replicas": []}
        self.notice = f"{self.card.get('endpoint', self.endpoint)} is stopped and deleted"

    def _take(self, endpoint: Endpoint, usage: EndpointUsage, may: list[str]) -> None:
        if self._stopped:
            return
        self.endpoint, self.usage, self.may = endpoint.id, usage, may
        kept = usage.model_dump(mode="json", exclude={"history", "window_seconds"})
        seconds = 60 * round(usage.window_seconds / 60) or 60
        self.card = kept | {
            "window_seconds": seconds,
            "requests_per_second": float(f"{usage.requests_per_second:.3g}"),
            "url": endpoint.url,
            "previous": endpoint.previous,
        }
        self.course = columns(usage.history) | {"until": _now()} if usage.history else {}

    def text(self) -> str:
        """The use in a few lines."""
        if self.usage is None:
            return f"endpoint {self.endpoint}: not asked for yet."
        from aimass_jupyter.client.views import as_text

        asked = [float(one.requests) for one in self.usage.history]
        course = [f"requests  {sparkline(asked)}"] if asked else []
        try_it = f"next: %aimass predict {self.usage.endpoint} '[…]'"
        return "\n".join([as_text(self.usage), *course, try_it])

    def still(self) -> dict[str, str]:
        """Requests and latencies as a picture."""
        if self.usage is None:
            return {}
        history = self.usage.history
        times = [one.at for one in history]
        lines = [
            ("requests in 5 s", name, [float(getattr(one, name)) for one in history])
            for name in ("requests", "errors")
        ] + [
            ("latency, ms", label, [getattr(one, f"{label}_ms") for one in history])
            for label in ("p50", "p99")
        ]
        return curves_picture(_drawn(lines, times), axis=f"{_clock(times)}")


def _now() -> int:
    """The time, as whole as the samples are."""
    now = round(utc_now().timestamp())
    return now - now % SAMPLE_SECONDS


def _drawn(lines: list[tuple[str, str, list[Any]]], times: list[datetime]) -> list[Any]:
    return [(title, name, timed(name, times, values)) for title, name, values in lines]


def _clock(times: list[datetime]) -> str:
    """From when to when, for a reader next week."""
    if not times:
        return ""
    return f"UTC {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%H:%M}"
