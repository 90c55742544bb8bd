"""A widget whose front end can ask for something to be done; the answer or the error is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
from traitlets import Instance, List, Unicode

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.widgets.rights import allows
from aimass_jupyter.widgets.turns import Change, Turns, hear_while_busy

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

Message = Mapping[str, Any]
Action = Callable[[Any, Message], Change | None]

#: Says to a front end of ours that what is saved beside it can stand in for the widget.
VIEW_TYPE = "application/vnd.aimass.view+json"


def as_view(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """What a widget is shown as, marked as one of ours; unmarked where there are no widgets."""
    widget = bundle.get("application/vnd.jupyter.widget-view+json")
    return {**bundle, VIEW_TYPE: {"version": 1}} if widget else dict(bundle)


class ActionWidget(anywidget.AnyWidget):
    """A widget with a client, and actions that its front end names.

    An action is a method that takes the message. It runs on a thread of its own, so that the
    kernel is free while the control plane answers; what it returns changes the traits, when its
    turn comes. An :class:`AimassError` becomes ``problem``, which every view shows beside the
    button that was pressed.
    """

    actions: ClassVar[Mapping[str, Action]] = {}

    busy = Unicode("", help="The action that is under way.").tag(sync=True)
    may = List(Unicode(), help="What whoever looks may do here.").tag(sync=True)
    problem = Instance(dict, allow_none=True, help="What failed last.").tag(sync=True)

    def __init__(self, client: Client | None = None, **traits: Any) -> None:
        self._turns = Turns()
        self._client = client
        super().__init__(**traits)
        self.on_msg(self._receive)
        hear_while_busy(self.comm)

    @property
    def client(self) -> Client:
        """The client of the control plane; connected when first needed."""
        if self._client is None:
            from aimass_jupyter.client import connect

            self._client = connect()
        return self._client

    def allowed(self, rights: Mapping[str, str], owner: str | None = None) -> list[str]:
        """Which actions may be offered: those whose right the client's user has.

        Parameters
        ----------
        rights
            Action → right.
        owner
            Of the thing acted on, where only its owner acts.
        """
        return [action for action, right in rights.items() if allows(self.client, right, owner)]

    def _receive(self, _widget: object, message: Message, _buffers: object) -> None:
        """Start what a front end asks for; a word that is no action is not for us."""
        kind = str(message.get("kind"))
        action = self.actions.get(kind)
        if action is not None:
            self._turns.take(partial(self._begin, kind))
            threading.Thread(target=self._act, args=(action, message), daemon=True).start()

    def _act(self, action: Action, message: Message) -> None:
        """Do it, on a thread of its own."""
        try:
            change = action(self, message)
            if change is not None:
                self._turns.take(change)
        except AimassError as error:
            self._turns.take(partial(self.fail, error))
        finally:
            self._turns.take(partial(self.set_trait, "busy", ""))

    def _begin(self, kind: str) -> None:
        self.busy, self.problem = kind, None

    def act_now(self, kind: str, **message: Any) -> None:
        """Do what a front end could ask for, on the calling thread, which may change traits."""
        self.problem = None
        try:
            change = self.actions[kind](self, message)
        except AimassError as error:
            self.fail(error)
        else:
            if change is not None:
                change()

    def act_soon(self, kind: str, **message: Any) -> None:
        """Do what a front end could ask for, on a thread of its own."""
        self._receive(self, {"kind": kind, **message}, None)

    def fail(self, error: AimassError) -> None:
        """Show an error."""
        self.problem = {
            "message": error.message,
            "hint": error.hint,
            "details": [dict(entry) for entry in error.details],
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return as_view(data), metadata
