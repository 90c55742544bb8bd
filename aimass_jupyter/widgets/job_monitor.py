"""The view of a job: state, progress, curves, log, cause, result, and a button that stops it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.display_functions import DisplayHandle, display
from traitlets import Any as AnyTrait
from traitlets import Dict, Unicode

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.widgets.actions import ActionWidget, Message
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.curves import MAX_POINTS
from aimass_jupyter.widgets.follower import follow
from aimass_jupyter.widgets.job_record import JobRecord

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

WAIT_SECONDS = 0.5


def _whole(_value: object, monitor: JobMonitor) -> dict[str, Any]:
    """Curves and log as the comm carries them: what is kept now, whenever a view asks."""
    return monitor.record.whole()


class JobMonitor(ActionWidget):
    """Follows a job, from its first point on, for as long as it runs.

    It begins when it is shown, or with :meth:`start`, and asks the control plane on a thread of
    its own. A monitor made again from the same id shows everything again.

    Parameters
    ----------
    job_id
        The job, its id, or its name (then its newest job).
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.

    Examples
    --------
    >>> JobMonitor("digits")  # doctest: +SKIP
    """

    _esm = script("job_monitor.js")
    _css = style("base.css", "chart.css", "job_monitor.css")

    actions = {"stop": lambda monitor, _message: monitor.stop_job()}

    card = Dict(help="The job without curves and log.").tag(sync=True)
    history = AnyTrait(help="Curves and log so far; grows by messages.").tag(
        sync=True, to_json=_whole
    )
    connection = Unicode("new", help="new, live, reconnecting, ended or lost").tag(sync=True)

    def __init__(self, job_id: str | Job, client: Client | None = None, **traits: Any) -> None:
        self.record = JobRecord()
        self.job_id = job_id if isinstance(job_id, str) else job_id.id
        self._started = False
        self._stopped = threading.Event()
        self._failure: AimassError | None = None
        self._shown: DisplayHandle | None = None
        super().__init__(client, **traits)
        self.on_msg(self._resend)

    @property
    def job(self) -> Job | None:
        """The job as it was last heard of."""
        return self.record.job

    @property
    def update(self) -> JobUpdate | None:
        """All that is known of the job; curves thinned, the end of the log."""
        return self.record.update()

    def start(self) -> None:
        """Begin to follow the job; again is nothing.

        Raises
        ------
        AimassError
            When there is no such job, or nobody to ask.
        """
        if self._started:
            return
        first = self.client.jobs.attach(
            job=self.job_id, cursor="", wait_seconds=0.0, max_points=MAX_POINTS
        )
        self._started, self.job_id = True, first.job.id
        self._absorb(first)
        if not first.end:
            self.may = self.allowed({"stop": "jobs:stop"}, first.job.owner)
            name = f"follow {self.job_id}"
            threading.Thread(
                target=self._follow, args=(first.cursor,), name=name, daemon=True
            ).start()

    def follow(
        self,
        until_end: bool = True,
        on_update: Callable[[JobUpdate], None] | None = None,
    ) -> JobUpdate:
        """Wait for the job on the calling thread, which shows what is new meanwhile.

        Ctrl-C ends the waiting and is raised on; the job goes on, and so does the view.

        Parameters
        ----------
        until_end
            Else only for the next news, or half a second.
        on_update
            Called with all that is known of the job, after each change.

        Raises
        ------
        AimassError
            When the job can no longer be followed.
        """
        self.start()
        with self._turns.waiting():
            self._tell(on_update)
            while self._wait_for_news(on_update) and until_end:
                continue
        if self._failure is not None:
            raise self._failure
        update = self.update
        assert update is not None  # start() took the first in
        return update

    def stop_job(self) -> None:
        """Stop the job and every process of it; what it did so far stays on view."""
        self.client.jobs.stop(job=self.job_id)

    def close(self) -> None:
        """Stop following the job, and take the view away. The job goes on."""
        self._stopped.set()
        super().close()

    def _wait_for_news(self, on_update: Callable[[JobUpdate], None] | None) -> bool:
        """Let changes happen; return whether more can come."""
        before = self.record.revision
        if self.connection not in ("ended", "lost"):
            self._turns.wait(WAIT_SECONDS)
        if self.record.revision != before:
            self._tell(on_update)
        return self.connection not in ("ended", "lost")

    def _tell(self, on_update: Callable[[JobUpdate], None] | None) -> None:
        update = self.update
        if on_update is not None and update is not None:
            on_update(update)

    def _follow(self, cursor: str) -> None:
        """Hand in what the control plane tells, on a thread of its own."""
        try:
            for news in follow(self.client, self.job_id, cursor, self._stopped):
                self._turns.take(partial(self._hear, news))
        except AimassError as error:
            self._turns.take(partial(self._lose, error))

    def _hear(self, news: JobUpdate | AimassError) -> None:
        if isinstance(news, JobUpdate):
            self._absorb(news)
        else:
            self.connection = "reconnecting"

    def _absorb(self, update: JobUpdate) -> None:
        """Take an update in; send what it adds, and the whole once more when it is the last."""
        if self.record.knows(update):
            self.connection = "live"
            return
        addition = self.record.absorb(update)
        self.connection = "ended" if update.end else "live"
        self.card = self.record.card()
        self.send({"kind": "more", **addition})
        if update.end:
            self.send_state("history")
            self._show_again()

    def _lose(self, error: AimassError) -> None:
        self._failure, self.connection = error, "lost"
        self.fail(error)

    def _resend(self, _widget: object, message: Message, _buffers: object) -> None:
        """Send all that is kept to a front end that missed an addition."""
        if message.get("kind") == "whole":
            self._turns.take(partial(self.send_state, "history"))

    def _ipython_display_(self) -> None:
        """Show the view under a name of its own, so that its text can be put right at the end."""
        try:
            self.start()
        except AimassError as error:
            # Raised here, it would be shown once for each way in which IPython can show a thing.
            print(*error._render_traceback_(), sep="\n", file=sys.stderr)
            return
        data, metadata = self._repr_mimebundle_()
        self._shown = display(data, metadata=metadata, raw=True, display_id=True)

    def _show_again(self) -> None:
        """Leave the outcome in the notebook, where a front end without widgets reads it."""
        if self._shown is not None:
            data, metadata = self._repr_mimebundle_()
            self._shown.update(data, metadata=metadata, raw=True)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        self.start()
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, **self.record.picture(), "text/plain": self.record.text()}, metadata
