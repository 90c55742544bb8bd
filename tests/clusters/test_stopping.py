"""Clusters of a kind that a package adds: stopped, started, and with own code on their nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import Conflict
from aimass_jupyter.contract.jobs import Job
from tests.clusters import plugs
from tests.clusters.looking import log_of, ready, until
from tests.clusters.pool import pool_of
from tests.jobs.test_own_code import TRAIN, function

LONG = {"epochs": 100_000, "batch_size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plugs")


@pytest.fixture(scope="module")
def pool(folder: Path) -> Iterator[Client]:
    """Two such machines."""
    with pool_of(folder, ("one", "two")) as client:
        yield client


def submit(client: Client, **fields: Any) -> Job:
    job: Job = client.jobs.submit(
        dataset="iris", algorithm="classification", cluster="pool", engine="single", **fields
    )
    return job


def test_a_stopped_cluster_lets_its_jobs_end_and_none_begin(pool: Client) -> None:
    ready(pool, "pool")
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


@pytest.mark.slow
def test_a_cluster_that_is_stopped_now_sends_its_jobs_back(pool: Client) -> None:
    ready(pool, "pool")
    job = submit(pool, name="goes-on", params=LONG | {"checkpoint_every": 100_000})
    until(lambda: pool.jobs.metrics(job.id).series)
    pool.clusters.stop("pool", now=True, reason="smoke")
    waits = until(lambda: (j := pool.jobs.show(job.id)).state == "queued" and j)
    assert [attempt.cause.message for attempt in waits.attempts] == [
        "cluster 'pool' was stopped: smoke"
    ]
    assert pool.clusters.show("pool").state == "stopped"
    assert "cluster 'pool' is stopped: smoke" in pool.jobs.why(job.id).model_dump_json()
    assert pool.clusters.start("pool").reason == ""
    until(lambda: "going on from the checkpoint after step" in log_of(pool, job))
    pool.jobs.stop(job.id)
    assert pool.wait(job.id).state == "stopped"


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
    ready(pool, "pool")


SCRIPT = """
import sys
from torch import distributed

distributed.init_process_group("gloo")
print("script", distributed.get_rank(), "of", distributed.get_world_size(), sys.argv[1:])
open(f"made-by-{distributed.get_rank()}.txt", "w").write("made")
distributed.barrier()  # one that leaves at once may leave before the other has connected
distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_own_code_runs_on_nodes_and_travels_once(pool: Client, tmp_path: Path) -> None:
    ready(pool, "pool")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    there = {"cluster": "pool", "nodes": ["any:2"], "engine": "torchrun"}
    source = pool.upload_content("own.zip", function(TRAIN))
    first = pool.jobs.submit(
        source=source, dataset="iris", name="own", params={"lr": 0.05}, **there
    )
    ended = pool.wait(first.id)
    assert ended.state == "succeeded", (ended.cause, log_of(pool, first, -1))
    assert ended.model
    assert [place.node for place in ended.places] == ["one", "two"]
    assert "begins with 0 of 2" in log_of(pool, first, 1)
    assert "notes.txt" in {item.path for item in pool.jobs.artifacts(first.id).items}
    for number in range(2):
        job = pool.jobs.submit(path, arguments=["--own", "a b"], name=f"script-{number}", **there)
        ended = pool.wait(job.id)
        assert ended.state == "succeeded", (ended.cause, log_of(pool, job, -1))
        for rank in range(2):
            assert f"script {rank} of 2 ['--own', 'a b']" in log_of(pool, job, rank)
        assert "made-by-0.txt" in {item.path for item in pool.jobs.artifacts(job.id).items}
        assert log_of(pool, job, -1).count(" gets ") == (0 if number else 2)
