"""A control plane with a cluster of three hosts of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_jupyter.client import Client
from tests.clusters.hosts import Lan, why_no_hosts
from tests.conftest import Server

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture(scope="session")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    """Three hosts, each with its own network, processes and sshd."""
    if reason := why_no_hosts():
        pytest.skip(reason)
    lan = Lan(tmp_path_factory.mktemp("lan"))
    try:
        lan.start(*NAMES)
        yield lan
    finally:
        lan.end()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of that control plane."""
    return tmp_path_factory.mktemp("clusters") / "data"


@pytest.fixture(scope="module")
def lab(lan: Lan, data: Path) -> Iterator[Client]:
    """A client of a control plane that has them as cluster 'lab', a slot each."""
    server = Server(data)
    server.start()
    try:
        with server.client() as client:
            key = client.clusters.create("lab").public_key
            for host, profile in zip(lan.hosts, ("large", "large", "small"), strict=True):
                host.let_in(key)
                client.nodes.add(
                    "lab", host.name, address=host.address, folder=str(host.folder / "work"),
                    slots=1, profile=profile,
                )  # fmt: skip
            client.datasets.import_("iris")
            yield client
    finally:
        server.stop_everything()
