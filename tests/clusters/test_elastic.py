"""Elastic jobs follow the table of their cluster's nodes: hosts leave, are lost, and join."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_jupyter.client import Client
from tests.clusters import plugs
from tests.clusters.looking import event_steps, log_of, ready, steps_of, until
from tests.clusters.pool import pool_of

NODES = ("one", "two", "three")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Client]:
    """Three machines with plugs, and a GPU each by their table."""
    with pool_of(tmp_path, NODES, "--AimassApp.warm=False", gpus=1) as client:
        yield client


@pytest.mark.faults
def test_hosts_leave_are_lost_and_join(pool: Client, tmp_path: Path) -> None:
    ready(pool, "pool")
    job = pool.jobs.submit(
        dataset="iris", algorithm="classification", cluster="pool", engine="torchrun", np=2,
        min_np=1, max_np=3, gpus=1, name="breathes",
        params={"epochs": 100_000, "batch_size": 16, "checkpoint_every": 100_000},
    )  # fmt: skip

    def runs_on(said: str, *names: str) -> None:
        """Wait until it says so, trains on, and is told to have these nodes."""
        until(lambda: said in log_of(pool, job, -1), 120)
        until(lambda: [place.node for place in pool.jobs.show(job.id).places] == list(names), 60)
        seen = steps_of(pool, job)
        until(lambda: steps_of(pool, job) > seen, 120)
        assert pool.jobs.show(job.id).devices == {name: [0] for name in names}

    runs_on("", "one", "three", "two")
    pool.nodes.drain("pool", "two")
    runs_on("(two leaves): 2 ranks", "one", "three")
    assert pool.nodes.show("pool", "two").state == "drained"
    plugs.pull(tmp_path / "three")
    runs_on("node 'three' (127.0.0.1) was lost", "one")
    plugs.push(tmp_path / "three")
    runs_on("(three joins): 2 ranks", "one", "three")
    table = json.loads((tmp_path / "data" / "jobs" / job.id / "hosts.json").read_text())
    assert {place["node"]: place["devices"] for place in table["places"]} == {
        "one": [0], "three": [0],
    }  # fmt: skip
    pool.jobs.stop(job.id)
    ended = pool.wait(job.id)
    assert (ended.state, ended.restarts, ended.np) == ("stopped", 1, 2)
    points = event_steps(tmp_path / "data" / "jobs" / job.id / "tb")
    assert len(points) == 4
    all_three, without_two, alone, joined = (steps[0] for steps in points)
    # No checkpoint was due by itself: who leaves or joins has one made, and who is lost has not.
    assert all_three < without_two == alone < joined
