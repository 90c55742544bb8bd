"""A run without a job: what a notebook or a script tracks itself, live, through the control plane.

What is logged is encoded into memory and sent four times a second by a thread; logging waits for
nobody. A server that is started again gets what it missed, as far as memory for it went.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aimass_jupyter.contract.errors import AimassError, InvalidRequest, Unavailable
from aimass_jupyter.training.events import EventWriter
from aimass_jupyter.training.sending_events import SentEvents
from aimass_jupyter.training.shown import array, number, step_of, tag_of

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

END_SECONDS = 60.0
_AT_EXIT_SECONDS = 10.0
_RETRY_SECONDS = 0.25

Ending = Literal["succeeded", "failed", "stopped"]
T = TypeVar("T")
logger = logging.getLogger("aimass.tracking")


def start(
    client: Client,
    name: str,
    experiment: str | None,
    params: Mapping[str, Any],
    tags: Iterable[str],
    notes: str,
) -> TrackedRun:
    """Start a run; see :func:`aimass_jupyter.start_run`."""
    given = {key: _plain(value) for key, value in params.items()}
    optional = {"experiment": experiment} if experiment else {}
    run = client.runs.start(name=name, params=given, tags=list(tags), notes=notes, **optional)
    return TrackedRun(client, run.id, run.name, run.experiment, given)


class TrackedRun:
    """A run of a notebook or a script; ``with`` ends it, so does :meth:`end`.

    Attributes
    ----------
    id, name, experiment
        What it is found by: ``%aimass runs show NAME``, ``%aimass compare NAME OTHER``.
    params
        What it is made with.

    Examples
    --------
    >>> with start_run("by-hand", params={"lr": 0.1}) as run:
    ...     for step in range(100):
    ...         run.log(step, loss=0.9**step)
    """

    def __init__(
        self, client: Client, run_id: str, name: str, experiment: str, params: dict[str, Any]
    ) -> None:
        self.id, self.name, self.experiment = run_id, name, experiment
        self.params = params
        self._client = client
        self._sent = SentEvents(client, run_id)
        self._writer = EventWriter(self._sent)
        self._writer.begin(params, experiment)
        self._process = os.getpid()
        self._state = "running"
        atexit.register(self._end_at_exit)

    def log(self, step: int, **metrics: Any) -> None:
        """Add a point to the curve of each metric; ``__`` in a name is a ``/``."""
        writer = self._open()
        step = step_of(step)
        for name, value in metrics.items():
            writer.add(tag_of(name), number(name, value), step)

    def histogram(self, step: int, **values: Any) -> None:
        """Show how the numbers of an array or a tensor are distributed."""
        writer = self._open()
        for name, value in values.items():
            writer.histogram(tag_of(name), array(value), step_of(step))

    def image(self, step: int, **pixels: Any) -> None:
        """Show an image: (height, width), with channels last or first, or a Matplotlib figure."""
        writer = self._open()
        for name, value in pixels.items():
            writer.image(tag_of(name), array(value), step_of(step))

    def text(self, step: int, **words: str) -> None:
        """Show a text."""
        writer = self._open()
        for name, text in words.items():
            writer.text(tag_of(name), str(text), step_of(step))

    def add_params(self, **params: Any) -> None:
        """Add parameters that were not known when the run was started."""
        given = {key: _plain(value) for key, value in params.items()}
        self.params |= given
        self._open().begin(self.params, self.experiment)
        self._client.runs.params(run=self.id, params=given)

    def tag(self, *tags: str) -> None:
        """Add tags."""
        self._client.runs.tag(run=self.id, add=list(tags))

    def note(self, notes: str) -> None:
        """Write the notes, in place of what was there."""
        self._client.runs.note(run=self.id, notes=notes)

    def flush(self, seconds: float = END_SECONDS) -> None:
        """Wait until all that was logged has arrived.

        Raises
        ------
        Unavailable
            When the control plane does not answer for so long.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._writer.flush()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"not all that run '{self.name}' logged could be sent: {error}",
                        "it waits in memory: call run.flush() when the server answers",
                    ) from error
                time.sleep(_RETRY_SECONDS)
            else:
                return

    def end(
        self, state: Ending = "succeeded", message: str = "", *, seconds: float = END_SECONDS
    ) -> None:
        """Send what is left, and say how the run ended; a second call does nothing.

        Raises
        ------
        Unavailable
            When the control plane does not answer for so long: then it takes the run for lost.
        """
        if self._state != "running" or os.getpid() != self._process:
            return
        self._writer.end(succeeded=state == "succeeded")
        self.flush(seconds)
        self._state = state
        atexit.unregister(self._end_at_exit)
        self._writer.close()
        fields = {"run": self.id, "state": state, "message": message[:2000]}
        try:
            _until(seconds, lambda: self._client.runs.end(**fields))
        finally:
            self._client.close()

    def __enter__(self) -> TrackedRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.end()
            return
        stopped = isinstance(error, KeyboardInterrupt)
        message = "interrupted" if stopped else _line(error)
        try:
            self.end("stopped" if stopped else "failed", message)
        except AimassError as trouble:  # what broke the block is what is to be seen
            logger.warning("run %s could not be ended in order: %s", self.name, trouble)

    def __repr__(self) -> str:
        return f"<run {self.name} of experiment {self.experiment}, {self._state}: {self.id}>"

    def _open(self) -> EventWriter:
        if os.getpid() != self._process:
            raise InvalidRequest(
                f"run '{self.name}' is tracked by process {self._process}, and this is its fork "
                f"{os.getpid()}",
                "log in the process that started the run",
            )
        if self._state != "running":
            raise InvalidRequest(
                f"run '{self.name}' has ended: it {self._state}", "start another: start_run(…)"
            )
        return self._writer

    def _end_at_exit(self) -> None:
        """The program ends and has not said how the run did."""
        state, message = _how_it_ends()
        with contextlib.suppress(AimassError):
            self.end(state, message, seconds=_AT_EXIT_SECONDS)


def _how_it_ends() -> tuple[Ending, str]:
    """What can be told of a program that ends: an error that nobody caught, or none."""
    if "ipykernel" in sys.modules:
        return "stopped", "the kernel was shut down before the run was ended"
    error = getattr(sys, "last_value", None)
    return ("failed", _line(error)) if error is not None else ("succeeded", "")


def _until(seconds: float, work: Callable[[], T]) -> T:
    """Do it again while the control plane does not answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return work()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("\n", 1)[0]


def _plain(value: Any) -> Any:
    """A parameter as JSON would have it; what JSON cannot say becomes its text."""
    if hasattr(value, "tolist"):  # NumPy, torch
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)
