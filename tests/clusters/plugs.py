"""A kind of cluster of a package of its own: machines that are programs here, each with a plug.

``python plugs.py FOLDER`` is such a machine: the agent, until the file ``unplugged`` is in FOLDER.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimass_jupyter.contract.clusters import Node
    from aimass_jupyter.contract.jobs import NodePlace

PACKAGE = "aimass-plugs"
_ENTRY_POINTS = "[aimass_server.clusters]\nplugs = {module}:{name}\n"


def install(site: Path, *, module: str = "tests.clusters.plugs", name: str = "Plugs") -> Path:
    """Lay out what an installed package leaves; returns the folder for PYTHONPATH."""
    about = site / f"{PACKAGE.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(_ENTRY_POINTS.format(module=module, name=name))
    return site


class Plugs:
    """The back-end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def public_key(self) -> str:
        return ""

    async def learn(self, node: Node) -> Node:
        return node.model_copy(update={"python": sys.executable})

    def reach(self, node: Node, ranks: int) -> NodePlace:
        from aimass_jupyter.contract.jobs import NodePlace

        folder = node.folder or str(self._folder / node.id)
        return NodePlace(
            node=node.name, ranks=ranks, address=node.address,
            argv=[sys.executable, __file__, folder], python=sys.executable, folder=folder,
        )  # fmt: skip


def pull(folder: Path) -> None:
    """Pull the plug of a machine."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "unplugged").touch()


def push(folder: Path) -> None:
    """Put it in again."""
    (folder / "unplugged").unlink(missing_ok=True)


def main(folder: Path) -> int:
    """Be a machine."""
    from aimass_jupyter.launch.nodes import agent

    def look() -> None:
        while True:
            if (folder / "unplugged").exists():
                print("the plug is out", file=sys.stderr, flush=True)
                os._exit(1)
            time.sleep(0.05)

    if (folder / "unplugged").exists():
        print("the plug is out", file=sys.stderr)
        return 1
    threading.Thread(target=look, daemon=True).start()
    return agent.main()


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stderr.flush()
    os._exit(code)
