"""A widget that asks the control plane again and again while somebody may be looking."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Unicode

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.widgets.actions import ActionWidget, Message
from aimass_jupyter.widgets.follower import (
    FIRST_DELAY_SECONDS,
    LONGEST_DELAY_SECONDS,
    PASSING,
)
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

PACE_SECONDS = 2.0


class LiveWidget(ActionWidget):
    """Looks, shows what it saw, and looks again; it begins when it is shown.

    A subclass says how to look (:meth:`look`, on a thread of its own) and how what is shown reads
    as text. It rests while every page that showed it is closed, and when nothing more can come.
    """

    connection = Unicode("new", help="new, live, reconnecting, ended or lost").tag(sync=True)

    pace_seconds = PACE_SECONDS

    def __init__(self, client: Client | None = None, **traits: Any) -> None:
        self._started = False
        self._closed = threading.Event()
        self._again = threading.Event()
        self._views: set[str] = set()
        self._resting = False
        super().__init__(client, **traits)
        self.on_msg(self._count_views)

    def look(self) -> Change:
        """Ask for what is shown; what comes back changes the traits when its turn comes."""
        raise NotImplementedError

    def text(self) -> str:
        """What is shown, as a few lines."""
        raise NotImplementedError

    @property
    def over(self) -> bool:
        """Whether nothing that is shown can change any more."""
        return False

    def start(self) -> None:
        """Look once, and go on looking beside the kernel's loop; again is nothing."""
        if self._started:
            return
        self._started = True
        try:
            self.look()()
        except PASSING as error:
            self._stumble(error)
        except AimassError as error:
            self._lose(error)
            return
        else:
            self._settle()
        if not self.over:
            name = f"look of {type(self).__name__}"
            threading.Thread(target=self._keep_looking, name=name, daemon=True).start()

    def begin(self) -> None:
        """Start on a thread of its own: whoever shows the view does not wait."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._keep_looking, args=(0.0,), daemon=True).start()

    def look_again(self) -> None:
        """Look now instead of later."""
        self._again.set()

    def close(self) -> None:
        """Stop looking, and take the view away."""
        self._closed.set()
        self._again.set()
        super().close()

    def _keep_looking(self, first: float | None = None) -> None:
        """Look until it is over, at first after so many seconds."""
        again = FIRST_DELAY_SECONDS if self.connection == "reconnecting" else self.pace_seconds
        delay = again if first is None else first
        while not self._wait(delay):
            try:
                change = self.look()
            except PASSING as error:
                self._turns.take(partial(self._stumble, error))
                delay = min(2 * max(delay, FIRST_DELAY_SECONDS), LONGEST_DELAY_SECONDS)
                continue
            except AimassError as error:
                if not self.over:
                    self._turns.take(partial(self._lose, error))
                return
            self._turns.take(partial(self._show, change))
            delay = self.pace_seconds
            if self.over:
                return

    def _wait(self, seconds: float) -> bool:
        """Wait until it is time, and somebody may look; return whether it is all over."""
        self._again.wait(seconds)
        while self._resting and not self._closed.is_set():
            self._again.clear()
            self._again.wait()
        self._again.clear()
        return self._closed.is_set()

    def _count_views(self, _widget: object, message: Message, _buffers: object) -> None:
        """Rest once every page that told of itself has gone."""
        if message.get("kind") != "view":
            return
        change = self._views.add if message.get("open") else self._views.discard
        change(str(message.get("id")))
        self._resting = not self._views
        if not self._resting:
            self.look_again()

    def _show(self, change: Change) -> None:
        change()
        self._settle()

    def _settle(self) -> None:
        if self.connection != "live":
            self.problem = None
        self.connection = "ended" if self.over else "live"

    def _stumble(self, error: AimassError) -> None:
        self.connection = "reconnecting"

    def _lose(self, error: AimassError) -> None:
        self.connection = "lost"
        self.fail(error)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        self.start()
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, **self.still(), "text/plain": self._said()}, metadata

    def still(self) -> dict[str, str]:
        """A picture of what is shown, for a notebook that is read without a kernel."""
        return {}

    def _said(self) -> str:
        if self.connection in ("lost", "reconnecting") and self.problem:
            hint = f"\n  → {self.problem['hint']}" if self.problem["hint"] else ""
            return f"{self.problem['message']}{hint}"
        return self.text()
