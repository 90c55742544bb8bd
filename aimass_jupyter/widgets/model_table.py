"""The registered models: filter, sort, compare, promote, deploy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict, List, Unicode

from aimass_jupyter.contract.base import MAX_PAGE
from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.errors import AimassError, InvalidRequest
from aimass_jupyter.contract.models import Model
from aimass_jupyter.contract.runs import MAX_COMPARED
from aimass_jupyter.widgets.actions import ActionWidget, Message
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.rights import allows
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client


MAX_ENDPOINTS_ASKED = 10


def model_row(
    model: Model, tags: list[str] | None = None, latency_ms: float | None = None
) -> dict[str, Any]:
    """What the table shows of a model.

    Parameters
    ----------
    tags
        Of the run that gave its newest version.
    latency_ms
        The median of the endpoint that serves that version, where one does and was asked.
    """
    kept = {"version", "task", "algorithm", "metrics", "dataset", "size_bytes", "created_at", "job"}
    latest = model.latest.model_dump(mode="json", include=kept)
    own = {"name": model.name, "aliases": model.aliases}
    return own | latest | {"tags": tags or [], "latency_ms": latency_ms}


class ModelTable(ActionWidget):
    """Lists the registered models, newest versions, and acts on them.

    Parameters
    ----------
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.
    on_compare
        Called with the jobs of the models to compare; without it that is not offered.
    on_deploy
        Called with the endpoint that serves a model from here on.
    """

    _esm = script("model_table.js")
    _css = style("base.css", "model_table.css")

    actions = {
        "load": lambda table, _message: table.load(),
        "promote": lambda table, message: table.promote(message),
        "deploy": lambda table, message: table.deploy(message),
        "compare": lambda table, message: table.compare(message),
    }

    models = List(Dict(), help="A row a model.").tag(sync=True)
    notice = Unicode("", help="What was done last, in words.").tag(sync=True)

    def __init__(
        self,
        client: Client | None = None,
        on_compare: Callable[[list[str]], None] | None = None,
        on_deploy: Callable[[Endpoint], None] | None = None,
    ) -> None:
        self._on_compare = on_compare
        self._on_deploy = on_deploy
        super().__init__(client)

    def load(self) -> Change:
        """Ask for the models."""
        return self._loaded(self.notice)

    def promote(self, message: Message) -> Change:
        """Give a model version an alias."""
        model, alias = str(message.get("model", "")), str(message.get("alias", ""))
        self.client.models.promote(model=model, alias=alias)
        return self._loaded(f"{model} is now {alias}")

    def deploy(self, message: Message) -> Change:
        """Serve a model version."""
        endpoint: Endpoint = self.client.endpoints.deploy(model=str(message.get("model", "")))
        if endpoint.key:
            self._turns.take(partial(self._hand_over, endpoint.name, endpoint.key))
        if self._on_deploy is not None:
            self._turns.take(partial(self._on_deploy, endpoint))
        return self._loaded(f"{endpoint.model} is {endpoint.state} at {endpoint.url}")

    def compare(self, message: Message) -> Change | None:
        """Show the runs of models over each other.

        Raises
        ------
        InvalidRequest
            When there are too few of them, or too many.
        """
        jobs = {f"{row['name']}@{row['version']}": str(row["job"]) for row in self.models}
        chosen = [jobs[name] for name in message.get("models", []) if name in jobs]
        if not 2 <= len(chosen) <= MAX_COMPARED:
            raise InvalidRequest(
                f"{len(chosen)} models cannot be compared", f"choose 2 to {MAX_COMPARED} of them"
            )
        return partial(self._on_compare, chosen) if self._on_compare else None

    def _loaded(self, notice: str) -> Change:
        models: list[Model] = self.client.models.list(limit=MAX_PAGE).items
        tags = {run.job: run.tags for run in self.client.runs.list(limit=MAX_PAGE).items}
        latencies = self._latencies()
        rows = [
            model_row(one, tags.get(one.latest.job), latencies.get(_version_of(one)))
            | {"mine": allows(self.client, "models:promote", one.owner)}
            for one in models
        ]
        may = self.allowed({"promote": "models:promote", "deploy": "endpoints:create"})
        offered = [*may, "compare"] if self._on_compare else may
        return partial(self._show, rows, notice, offered)

    def _latencies(self) -> dict[str, float | None]:
        """The median latency of each model version that is served; one that is away has none."""
        told: dict[str, float | None] = {}
        for endpoint in self.client.endpoints.list(limit=MAX_ENDPOINTS_ASKED).items:
            try:
                told[endpoint.model] = self.client.endpoints.usage(endpoint.id).latency.p50_ms
            except AimassError:
                continue
        return told

    def _show(self, rows: list[dict[str, Any]], notice: str, may: list[str]) -> None:
        self.may, self.models, self.notice = may, rows, notice

    def _hand_over(self, endpoint: str, key: str) -> None:
        """Show a key once, by message: a trait would be saved with the notebook."""
        self.send({"kind": "key", "endpoint": endpoint, "key": key})


def _version_of(model: Model) -> str:
    return f"{model.name}@{model.latest.version}"
