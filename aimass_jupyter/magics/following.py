"""Panels from a cell: following a job, choosing a model; lines where there is no kernel."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython

from aimass_jupyter.client.course import CourseLines
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Job

if TYPE_CHECKING:
    from aimass_jupyter.client.client import Client
    from aimass_jupyter.widgets import ModelSelector


class FollowedJob(Job):
    """A job whose panel is on view already: showing it at once again would be twice the same."""

    def _ipython_display_(self) -> None:
        """Show nothing the first time; a panel of its own whenever it is asked for later."""
        if self.__dict__.get("_panel_is_on_view"):
            del self.__dict__["_panel_is_on_view"]
            return
        from IPython.display import display

        from aimass_jupyter.widgets import JobMonitor

        display(JobMonitor(self.id))


def shown(job: Job) -> Job:
    """The job, as one whose panel is on view; a terminal has shown lines alone."""
    if not _has_kernel():
        return job
    followed = FollowedJob.model_construct(**dict(job))
    followed.__dict__["_panel_is_on_view"] = True
    if verbs := job.__dict__.get("_verbs"):  # what can be done with it
        followed.__dict__["_verbs"] = verbs
    return followed


def follow(client: Client, job: Job, wait: bool) -> Job:
    """Show a job; with ``wait``, until it has ended. Returns the job as it is then.

    An interrupt stops the waiting, not the job.
    """
    try:
        return _in_kernel(client, job, wait) if _has_kernel() else _in_terminal(client, job, wait)
    except KeyboardInterrupt:
        print(f"stopped waiting; job '{job.name}' goes on: %aimass attach {job.id}")
        current: Job = client.jobs.show(job.id)
        return current


def _in_kernel(client: Client, job: Job, wait: bool) -> Job:
    from IPython.display import display

    from aimass_jupyter.widgets import JobMonitor

    monitor = JobMonitor(job.id, client=client)
    display(monitor)
    return monitor.follow().job if wait else job


def _in_terminal(client: Client, job: Job, wait: bool) -> Job:
    if wait:
        return client.wait(job.id, CourseLines(sys.stdout))
    print(f"follow it: %aimass attach {job.id} --wait")
    return job


def choose(client: Client) -> ModelSelector:
    """The panel that leads from a dataset to an endpoint.

    Raises
    ------
    InvalidRequest
        In a terminal, which cannot show it.
    """
    if not _has_kernel():
        raise InvalidRequest(
            "a terminal cannot show this panel", "see: %aimass algorithms, %aimass models"
        )
    from aimass_jupyter.widgets import ModelSelector

    return ModelSelector(client=client)


def _has_kernel() -> bool:
    shell: Any = get_ipython()
    return getattr(shell, "kernel", None) is not None
