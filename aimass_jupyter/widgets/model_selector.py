"""From a dataset to a model that is served: the form, the jobs it submits, the models they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.widgets.job_monitor import JobMonitor
from aimass_jupyter.widgets.model_table import ModelTable
from aimass_jupyter.widgets.text import format_metrics
from aimass_jupyter.widgets.train_form import TrainForm

if TYPE_CHECKING:
    from aimass_jupyter.client import Client


class ModelSelector(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """Choose a dataset and an algorithm, train, and promote or deploy what comes of it.

    Parameters
    ----------
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.
    """

    def __init__(self, client: Client | None = None) -> None:
        self.form = TrainForm(client, on_submit=self._watch)
        self.table = ModelTable(client)
        self._client = client
        self._jobs = ipywidgets.VBox()
        super().__init__([self.form, self._jobs, self.table])

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

    def _ended(self, change: dict[str, Any]) -> None:
        if change["new"] == "ended":
            self.table.act_soon("load")

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        for part in (self.form, self.table):
            part.act_now("load")
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": self.text()}, {}

    def text(self) -> str:
        """What there is to choose from, for a front end without widgets."""
        names = ", ".join(str(card["name"]) for card in self.form.datasets) or "none yet"
        lines = [f"datasets: {names}", *map(_model_line, self.table.models)]
        return "\n".join([*lines, "next: %aimass train --dataset … --algorithm …"])


def _model_line(row: dict[str, Any]) -> str:
    aliases = ", ".join(row["aliases"])
    name = f"{row['name']}@{row['version']}" + (f" ({aliases})" if aliases else "")
    return f"model {name}: {format_metrics(row['metrics'])}"
