"""A cluster of machines with plugs, under a control plane of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aimass_jupyter.client import Client
from tests.clusters import plugs
from tests.conftest import Server

ROOT = Path(__file__).parents[2]


@contextmanager
def pool_of(
    folder: Path, nodes: Sequence[str], *options: str, gpus: int | None = None
) -> Iterator[Client]:  # fmt: skip
    """A client of a control plane with these machines as cluster 'pool', a slot each, and iris."""
    paths = [str(plugs.install(folder / "site")), str(ROOT)]
    server = Server(folder / "data", {"PYTHONPATH": os.pathsep.join(paths)})
    server.start(*options)
    try:
        with server.client() as client:
            client.clusters.create("pool", kind="plugs")
            for number, name in enumerate(nodes):
                client.nodes.add(
                    "pool", name, address="127.0.0.1", port=1 + number, slots=1,
                    folder=str(folder / name), gpus=gpus,
                )  # fmt: skip
            client.datasets.import_("iris")
            yield client
    finally:
        server.stop_everything()
