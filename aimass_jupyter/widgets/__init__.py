"""Views of jobs and models in a notebook: live where there is a front end, plain text elsewhere.

- :class:`JobMonitor` follows a job: state, progress, curves, log, cause, what to do next.
- :class:`ModelSelector` takes a person from a dataset to a model that is served.
- :class:`RunCompare` shows several runs over each other; :class:`PredictForm` asks an endpoint.
- :class:`EndpointMonitor` and :class:`ClusterMonitor` show how those are used, live.
- :func:`render_text` is a job as a few lines of text, for terminals and saved notebooks.

A view is an anywidget: a Python class, and an ES module and a style sheet beside it, joined when
the class is made (:mod:`~aimass_jupyter.widgets.assets`); nothing is built, and nothing is fetched
by the page. All it knows comes through the widget's comm, so that it works the same in
JupyterLab, Notebook and Voila, and a viewer's page needs no rights of its own. Work that waits
(requests to the control plane) is done off the kernel's loop; traits change on it only
(:mod:`~aimass_jupyter.widgets.turns`).

This room talks to the control plane through ``aimass_jupyter.client`` and knows nothing of HTTP.
Importing it costs nothing; a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass_jupyter.widgets.cluster_monitor import ClusterMonitor
    from aimass_jupyter.widgets.endpoint_monitor import EndpointMonitor
    from aimass_jupyter.widgets.job_monitor import JobMonitor
    from aimass_jupyter.widgets.model_selector import ModelSelector
    from aimass_jupyter.widgets.predict_form import PredictForm
    from aimass_jupyter.widgets.run_compare import RunCompare
    from aimass_jupyter.widgets.text import render_text

__all__ = [
    "ClusterMonitor",
    "EndpointMonitor",
    "JobMonitor",
    "ModelSelector",
    "PredictForm",
    "RunCompare",
    "render_text",
]

_HOMES = {
    "ClusterMonitor": "cluster_monitor",
    "EndpointMonitor": "endpoint_monitor",
    "JobMonitor": "job_monitor",
    "ModelSelector": "model_selector",
    "PredictForm": "predict_form",
    "RunCompare": "run_compare",
    "render_text": "text",
}


def __getattr__(name: str) -> Any:
    """Load a view when it is asked for: a terminal needs the text and no widget library."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
