"""The form that submits a job: dataset, algorithm ranked with a reason, hyperparameters, ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict, List, Unicode

from aimass_jupyter.contract.algorithms import Recommendation
from aimass_jupyter.contract.base import MAX_PAGE
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.jobs import Job, JobCreate
from aimass_jupyter.widgets.actions import ActionWidget, Message
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

_CHOSEN_ELSEWHERE = frozenset({"dataset", "algorithm", "params"})
_OF_OWN_CODE = frozenset({"source", "arguments"})


def run_schema() -> dict[str, Any]:
    """The part of a job's schema that the form asks for beside dataset and hyperparameters."""
    schema = JobCreate.model_json_schema()
    asked = {
        name: field
        for name, field in schema["properties"].items()
        if name not in _CHOSEN_ELSEWHERE | _OF_OWN_CODE
    }
    return {**schema, "properties": asked, "required": []}


def dataset_card(dataset: Dataset) -> dict[str, Any]:
    """What the form shows of a dataset."""
    latest = dataset.latest
    kept = {"version", "rows", "label", "task"}
    return {"name": dataset.name, "columns": len(latest.columns), **latest.model_dump(include=kept)}


class TrainForm(ActionWidget):
    """Asks for what a job needs and submits it.

    Parameters
    ----------
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.
    on_submit
        Called with each job that was submitted, on the kernel's loop.
    """

    _esm = script("train_form.js")
    _css = style("base.css", "fields.css", "train_form.css")

    actions = {
        "load": lambda form, _message: form.load(),
        "choose": lambda form, message: form.choose(str(message.get("dataset", ""))),
        "train": lambda form, message: form.train(message),
    }

    datasets = List(Dict(), help="The datasets there are.").tag(sync=True)
    dataset = Unicode("", help="The one that is chosen.").tag(sync=True)
    algorithms = List(Dict(), help="What suits it, best first, with the reason.").tag(sync=True)
    run_schema = Dict(help="JSON Schema of the fields besides the hyperparameters.").tag(sync=True)
    submitted = Unicode("", help="What was submitted last, in words.").tag(sync=True)

    def __init__(
        self, client: Client | None = None, on_submit: Callable[[Job], None] | None = None
    ) -> None:
        self._on_submit = on_submit
        super().__init__(client, run_schema=run_schema())

    def load(self) -> Change:
        """Ask for the datasets, and for what suits the chosen one."""
        cards = [dataset_card(one) for one in self.client.datasets.list(limit=MAX_PAGE).items]
        names = [card["name"] for card in cards]
        chosen = self.dataset if self.dataset in names else next(iter(names), "")
        may = self.allowed({"train": "jobs:create"})
        return partial(self._offer, chosen, self._suited(chosen), cards, may)

    def choose(self, dataset: str) -> Change:
        """Ask for what suits a dataset."""
        return partial(self._offer, dataset, self._suited(dataset), None)

    def train(self, message: Message) -> Change:
        """Submit a job."""
        run: Mapping[str, Any] = message.get("run", {})
        job = self.client.jobs.submit(
            dataset=message.get("dataset"),
            algorithm=message.get("algorithm"),
            params=message.get("params", {}),
            **{name: run[name] for name in self.run_schema["properties"] if name in run},
        )
        return partial(self._announce, job)

    def _suited(self, dataset: str) -> list[Recommendation]:
        if not dataset:
            return []
        found: list[Recommendation] = self.client.algorithms.list(dataset=dataset).items
        return found

    def _offer(
        self,
        dataset: str,
        suited: list[Recommendation],
        datasets: list[dict[str, Any]] | None,
        may: list[str] | None = None,
    ) -> None:
        with self.hold_trait_notifications():
            if may is not None:
                self.may = may
            if datasets is not None:
                self.datasets = datasets
            self.dataset = dataset
            self.algorithms = [one.model_dump(mode="json") for one in suited]

    def _announce(self, job: Job) -> None:
        self.submitted = f"submitted job {job.name} ({job.id})"
        if self._on_submit is not None:
            self._on_submit(job)
