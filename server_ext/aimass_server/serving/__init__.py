"""Endpoints: model versions behind stable URLs, and the gateway that all of them answer through.

A deployment is one model version bound to an endpoint. Its replica, a process of its own, listens
on a Unix socket; the gateway, another, listens on a port and passes requests on. Both are detached
programs: they answer while the control plane is away, and are adopted when it is back. What the
gateway knows is the route table, a file that this room writes whole from the database.

A deploy brings up the new replica beside the old, switches the route, then ends the old one: no
request is refused for it, and a deploy that fails changes nothing. The number of the deployment is
the fence: what belongs to another number is swept.

::

    <data>/gateway/    settings.json  internal.json  routes.json  address.json   <start>/ (program)
    <data>/endpoints/<endpoint id>/<deployment>/<start>/                                  (program)
    <data>/sockets/<endpoint id>-<deployment>.sock     (below /tmp when the data folder is deep)

This room never loads a model and never judges a request's tensors: the replica does. It knows
models only by what the function it is given answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass_server.serving.room import Serving

__all__ = ["Serving"]


def __getattr__(name: str) -> Any:
    """Load the room when asked for: the gateway program lives here too and must stay small."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from aimass_server.serving import room

    return getattr(room, name)
