"""The registered models: filter, sort by a metric, promote, deploy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict, List, Unicode

from aimass_jupyter.contract.base import MAX_PAGE
from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.models import Model
from aimass_jupyter.widgets.actions import ActionWidget, Message
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client


def model_row(model: Model) -> dict[str, Any]:
    """What the table shows of a model."""
    kept = {"version", "task", "algorithm", "metrics", "dataset", "size_bytes", "created_at"}
    latest = model.latest.model_dump(mode="json", include=kept)
    return {"name": model.name, "aliases": model.aliases, **latest}


class ModelTable(ActionWidget):
    """Lists the registered models, newest versions, and acts on them.

    Parameters
    ----------
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.
    """

    _esm = script("model_table.js")
    _css = style("base.css", "model_table.css")

    actions = {
        "load": lambda table, _message: table.load(),
        "promote": lambda table, message: table.promote(message),
        "deploy": lambda table, message: table.deploy(message),
    }

    models = List(Dict(), help="A row a model.").tag(sync=True)
    notice = Unicode("", help="What was done last, in words.").tag(sync=True)

    def __init__(self, client: Client | None = None) -> None:
        super().__init__(client)

    def load(self) -> Change:
        """Ask for the models."""
        rows = [model_row(model) for model in self.client.models.list(limit=MAX_PAGE).items]
        return partial(self._show, rows, self.notice)

    def promote(self, message: Message) -> Change:
        """Give a model version an alias."""
        model, alias = str(message.get("model", "")), str(message.get("alias", ""))
        self.client.models.promote(model=model, alias=alias)
        return self._done(f"{model} is now {alias}")

    def deploy(self, message: Message) -> Change:
        """Serve a model version."""
        endpoint: Endpoint = self.client.endpoints.deploy(model=str(message.get("model", "")))
        if endpoint.key:
            self._turns.take(partial(self._hand_over, endpoint.name, endpoint.key))
        return self._done(f"{endpoint.model} is {endpoint.state} at {endpoint.url}")

    def _done(self, notice: str) -> Change:
        rows = [model_row(model) for model in self.client.models.list(limit=MAX_PAGE).items]
        return partial(self._show, rows, notice)

    def _show(self, rows: list[dict[str, Any]], notice: str) -> None:
        self.models, self.notice = rows, notice

    def _hand_over(self, endpoint: str, key: str) -> None:
        """Show a key once, by message: a trait would be saved with the notebook."""
        self.send({"kind": "key", "endpoint": endpoint, "key": key})
