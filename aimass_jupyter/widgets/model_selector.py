"""From a dataset to a model that is served: the form, the jobs it submits, the models they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.widgets.actions import as_view
from aimass_jupyter.widgets.job_monitor import JobMonitor
from aimass_jupyter.widgets.model_table import ModelTable
from aimass_jupyter.widgets.predict_form import PredictForm
from aimass_jupyter.widgets.run_compare import RunCompare
from aimass_jupyter.widgets.text import format_metrics
from aimass_jupyter.widgets.train_form import TrainForm

if TYPE_CHECKING:
    from aimass_jupyter.client import Client


class ModelSelector(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """Choose a dataset and an algorithm, train, compare, promote, deploy, and try what comes of it.

    Parameters
    ----------
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.
    """

    def __init__(self, client: Client | None = None) -> None:
        given: Any = client
        if isinstance(given, str):  # easily done: other views take a name
            message = f"ModelSelector takes a client, and not a name (given: {given!r})"
            raise InvalidRequest(message, "ModelSelector() lists the datasets: choose one there")
        self.form = TrainForm(client, on_submit=self._watch)
        self.table = ModelTable(client, on_compare=self._show_runs, on_deploy=self._try)
        self._client = client
        self._jobs = ipywidgets.VBox()
        self._compared = ipywidgets.VBox()
        self._tried = ipywidgets.VBox()
        super().__init__([self.form, self._jobs, self.table, self._compared, self._tried])

    @property
    def monitors(self) -> tuple[JobMonitor, ...]:
        """The views of the jobs that were submitted here, newest first."""
        return tuple(self._jobs.children)

    def _watch(self, job: Job) -> None:
        """Show a job that was submitted; when it has ended, the table has a model more."""
        monitor = JobMonitor(job.id, self._client)
        monitor.observe(self._ended, "connection")
        self._jobs.children = (monitor, *self._jobs.children)
        monitor.start()

    @property
    def comparison(self) -> RunCompare | None:
        """The comparison that was asked for last."""
        return next(iter(self._compared.children), None)

    @property
    def predict_form(self) -> PredictForm | None:
        """The form of the endpoint that was deployed last."""
        return next(iter(self._tried.children), None)

    def _show_runs(self, jobs: list[str]) -> None:
        """Show the runs of these jobs over each other, in place of those before."""
        self._replace(self._compared, RunCompare(jobs, self._client))

    def _try(self, endpoint: Endpoint) -> None:
        """Offer the form of an endpoint that was just deployed."""
        self._replace(self._tried, PredictForm(endpoint, self._client))

    @staticmethod
    def _replace(box: ipywidgets.VBox, view: RunCompare | PredictForm) -> None:
        """Show a view in place of what a box holds; it asks beside the kernel's loop."""
        before = box.children
        box.children = (view,)
        for one in before:
            one.close()
        view.begin()

    def _ended(self, change: dict[str, Any]) -> None:
        if change["new"] == "ended":
            self.table.act_soon("load")

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        for part in (self.form, self.table):
            part.act_now("load")
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return {**as_view(bundle), "text/plain": self.text()}, {}

    def text(self) -> str:
        """What there is to choose from, for a front end without widgets."""
        names = ", ".join(str(card["name"]) for card in self.form.datasets) or "none yet"
        lines = [f"datasets: {names}", *map(_model_line, self.table.models)]
        return "\n".join([*lines, "next: %aimass train --dataset … --algorithm …"])


def _model_line(row: dict[str, Any]) -> str:
    aliases = ", ".join(row["aliases"])
    name = f"{row['name']}@{row['version']}" + (f" ({aliases})" if aliases else "")
    return f"model {name}: {format_metrics(row['metrics'])}"
