"""Clusters that are stopped and started, of a kind that a package adds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.jobs import Job
from tests.clusters import plugs
from tests.clusters.test_ssh import until
from tests.conftest import Server

ROOT = Path(__file__).parents[2]
LONG = {"epochs": 100_000, "batch_size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plugs")


@pytest.fixture(scope="module")
def pool(folder: Path) -> Iterator[Client]:
    """A client of a control plane with two such machines as cluster 'pool', a slot each."""
    paths = [str(plugs.install(folder / "site")), str(ROOT)]
    server = Server(folder / "data", {"PYTHONPATH": os.pathsep.join(paths)})
    server.start()
    try:
        with server.client() as client:
            client.clusters.create("pool", kind="plugs")
            for number, name in enumerate(("one", "two")):
                client.nodes.add(
                    "pool", name, address="127.0.0.1", port=1 + number, slots=1,
                    folder=str(folder / name),
                )  # fmt: skip
            client.datasets.import_("iris")
            yield client
    finally:
        server.stop_everything()


def ready(client: Client) -> None:
    until(lambda: all(node.state == "ready" for node in client.nodes.list("pool").items))


def submit(client: Client, **fields: Any) -> Job:
    job: Job = client.jobs.submit(
        dataset="iris", algorithm="classification", cluster="pool", engine="single", **fields
    )
    return job


def test_a_stopped_cluster_lets_its_jobs_end_and_none_begin(pool: Client) -> None:
    ready(pool)
    runs = submit(pool, name="runs", params=LONG)
    until(lambda: pool.jobs.show(runs.id).state == "running")
    stopped = pool.clusters.stop("pool", reason="new switch")
    assert (stopped.state, stopped.slots, stopped.slots_used) == ("stopping", 0, 1)
    waits = submit(pool, name="waits", params={"epochs": 1})
    why = pool.jobs.why(waits.id)
    assert "cluster 'pool' is stopped: new switch" in [b.message for b in why.blockers]
    assert pool.jobs.show(runs.id).state == "running"
    pool.jobs.stop(runs.id)
    pool.wait(runs.id)
    assert pool.clusters.show("pool").state == "stopped"
    assert pool.jobs.show(waits.id).state == "queued"
    assert pool.clusters.start("pool").state == "running"
    ended = pool.wait(waits.id)
    assert ended.state == "succeeded", ended.cause


def test_a_cluster_that_is_stopped_now_stops_its_jobs(pool: Client) -> None:
    ready(pool)
    job = submit(pool, name="ends", params=LONG)
    until(lambda: pool.jobs.show(job.id).state == "running")
    pool.clusters.stop("pool", now=True, reason="smoke")
    ended = pool.wait(job.id)
    assert ended.state == "stopped"
    assert ended.cause is not None
    assert ended.cause.message == "stopped by who stopped cluster 'pool': smoke"
    assert pool.clusters.show("pool").state == "stopped"
    assert pool.clusters.start("pool").reason == ""


def test_a_cluster_starts_with_sound_nodes_only(pool: Client, folder: Path) -> None:
    pool.clusters.stop("pool")
    plugs.pull(folder / "two")
    with pytest.raises(Conflict, match=r"node 'two' \(reach\): the plug is out") as refused:
        pool.clusters.start("pool")
    assert "nodes drain pool two" in refused.value.hint
    assert pool.clusters.show("pool").state == "stopped"
    pool.nodes.drain("pool", "two")
    assert pool.clusters.start("pool").slots == 1
    plugs.push(folder / "two")
    pool.nodes.resume("pool", "two")
    ready(pool)
