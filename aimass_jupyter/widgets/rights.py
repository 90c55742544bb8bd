"""What whoever looks may do: what they may not do is not shown. The control plane decides."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from aimass_jupyter.contract.errors import AimassError

if TYPE_CHECKING:
    from aimass_jupyter.client import Client
    from aimass_jupyter.contract.system import Identity

_KNOWN: WeakKeyDictionary[Client, Identity] = WeakKeyDictionary()


def allows(client: Client, permission: str, owner: str | None = None) -> bool:
    """Whether the client's user has a right, and the thing is theirs where only owners act.

    Asked once a client; nobody who cannot be known may do anything.
    """
    try:
        if client not in _KNOWN:
            _KNOWN[client] = client.system.whoami()
    except AimassError:
        return False
    known = _KNOWN[client]
    mine = owner in (None, known.user) or "tenant:manage" in known.permissions
    return mine and permission in known.permissions
