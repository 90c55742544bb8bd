"""Back-ends: how the nodes of a kind of cluster are reached."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from aimass_jupyter.contract.clusters import LOCAL, Node
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.jobs import NodePlace

ENTRY_POINTS = "aimass_server.clusters"
AGENT = ("-m", "aimass_jupyter.launch.nodes.agent")


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
    """
    from aimass_server.clusters.ssh import SshBackend

    ours: dict[str, type[LocalBackend | SshBackend]] = {LOCAL: LocalBackend, "ssh": SshBackend}
    if kind in ours:
        return ours[kind](folder)
    others = entry_points(group=ENTRY_POINTS)
    if kind in others.names:
        found: Backend = others[kind].load()(folder)
        return found
    raise InvalidRequest(
        f"there is no kind of cluster '{kind}'", did_you_mean(kind, ["ssh", *others.names])
    )
