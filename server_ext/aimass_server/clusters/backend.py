"""Back-ends: how the nodes of a kind of cluster are reached."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from aimass_jupyter.contract.clusters import LOCAL, Node
from aimass_jupyter.contract.errors import InvalidRequest, Unavailable, did_you_mean
from aimass_jupyter.contract.jobs import NodePlace

ENTRY_POINTS = "aimass_server.clusters"
AGENT = ("-m", "aimass_jupyter.launch.nodes.agent")


@runtime_checkable
class Backend(Protocol):
    """One kind of cluster. Each must pass ``tests/contracts/test_clusters.py``.

    It is made with the folder that it may keep its own files in.
    """

    async def public_key(self) -> str:
        """The key that nodes must let in; empty where there is none."""

    async def learn(self, node: Node) -> Node:
        """Complete a node that is to be added: its user, interpreter, the key that it shows."""

    def reach(self, node: Node, ranks: int) -> NodePlace:
        """How ``ranks`` on a node are reached: ``argv`` runs the agent there.

        What it names must not need the control plane: a job outlives it.
        """


class LocalBackend:
    """This machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def public_key(self) -> str:
        return ""

    async def learn(self, node: Node) -> Node:
        return node.model_copy(update={"python": sys.executable, "port": 0})

    def reach(self, node: Node, ranks: int) -> NodePlace:
        folder = node.folder or str(self._folder / node.id)
        return NodePlace(
            node=node.name,
            ranks=ranks,
            address=node.address,
            argv=[sys.executable, *AGENT],
            python=sys.executable,
            folder=folder,
        )


def find_backend(kind: str, folder: Path) -> Backend:
    """The back-end of a kind.

    Raises
    ------
    InvalidRequest
        When neither we nor an installed package has it.
    Unavailable
        When a package has it, and it does not work.
    """
    from aimass_server.clusters.ssh import SshBackend

    ours: dict[str, type[LocalBackend | SshBackend]] = {LOCAL: LocalBackend, "ssh": SshBackend}
    if kind in ours:
        return ours[kind](folder)
    others = entry_points(group=ENTRY_POINTS)
    if kind in others.names:
        return _loaded(others[kind], folder)
    raise InvalidRequest(
        f"there is no kind of cluster '{kind}'", did_you_mean(kind, ["ssh", *others.names])
    )


def _loaded(entry: EntryPoint, folder: Path) -> Backend:
    """A back-end that a package adds; its faults are told as its own."""
    try:
        found = entry.load()(folder)
    except Exception as error:  # whatever somebody else's code raises
        raise _unusable(entry, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Backend):
        lacking = [name for name in ("public_key", "learn", "reach") if not hasattr(found, name)]
        raise _unusable(entry, f"it has no {' and no '.join(lacking)}")
    return found


def _unusable(entry: EntryPoint, why: str) -> Unavailable:
    package = entry.dist.name if entry.dist else entry.value
    return Unavailable(
        f"clusters of kind '{entry.name}' cannot be used: {why}",
        f"mend or remove the package '{package}', which adds them",
    )
