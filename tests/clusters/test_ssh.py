"""Jobs on real separate hosts, over SSH."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import AimassError, InvalidRequest
from aimass_jupyter.contract.jobs import Job
from tests.clusters.hosts import Lan
from tests.clusters.looking import event_steps, log_of, ready, steps_of, until

pytestmark = pytest.mark.slow
LONG = {"epochs": 100_000, "batch_size": 16}


def submit(client: Client, **fields: Any) -> Job:
    job: Job = client.jobs.submit(
        dataset="iris", algorithm="classification", cluster="lab", **fields
    )
    return job


@pytest.mark.parametrize(
    ("engine", "nodes"), [("horovod", ["any:3"]), ("torchrun", ["large:1", "small:1"])]
)
def test_a_job_trains_on_several_hosts(lab: Client, engine: str, nodes: list[str]) -> None:
    ready(lab, "lab")
    job = submit(lab, engine=engine, nodes=nodes, params={"epochs": 3}, name=f"on-{engine}")
    ended = lab.wait(job.id)
    assert ended.state == "succeeded", (ended.cause, log_of(lab, job, -1))
    assert ended.np == len(ended.places) == sum(int(text.split(":")[1]) for text in nodes)
    assert ended.model
    assert (ended.metrics["accuracy"] or 0) > 0.5
    assert f"rank 1 of {ended.np}" in log_of(lab, job, 1)
    assert lab.jobs.metrics(job.id).series


def test_what_was_shipped_once_is_there(lab: Client) -> None:
    ready(lab, "lab")
    job = submit(lab, engine="torchrun", nodes=["any:3"], params={"epochs": 1}, name="again")
    ended = lab.wait(job.id)
    assert ended.state == "succeeded", ended.cause
    assert "bytes" not in log_of(lab, job, -1)


def test_a_drained_node_gets_no_job_and_a_full_cluster_says_why(lab: Client) -> None:
    ready(lab, "lab")
    lab.nodes.drain("lab", "beta", reason="repair")
    try:
        job = submit(lab, engine="torchrun", nodes=["large:2"], params={"epochs": 1}, name="waits")
        why = until(lambda: (w := lab.jobs.why(job.id)).blockers and w)
        assert [blocker.message for blocker in why.blockers] == [
            "needs 2 slots on 2 nodes of profile 'large'; 1 is free for it",
            "node 'beta' is draining: repair",
        ]
        small = submit(lab, engine="single", nodes=["any:1"], params={"epochs": 1}, name="small")
        ended = lab.wait(small.id)
        assert ended.state == "succeeded", ended.cause
        assert [place.node for place in ended.places] != ["beta"]
        assert lab.jobs.show(job.id).state == "queued"
        assert lab.nodes.show("lab", "beta").state == "drained"
    finally:
        lab.nodes.resume("lab", "beta")
    assert lab.wait(job.id).state == "succeeded"


@pytest.mark.faults
def test_a_stop_reaches_every_host(lab: Client, lan: Lan) -> None:
    ready(lab, "lab")
    job = submit(lab, engine="torchrun", nodes=["any:2"], params=LONG, name="stopped")
    until(lambda: lab.jobs.metrics(job.id).series)
    hosts = [host for host in lan.hosts if host.processes("part_gang")]
    assert len(hosts) == 2
    begun = time.monotonic()
    lab.jobs.stop(job.id)
    assert lab.wait(job.id).state == "stopped"
    until(lambda: not any(host.processes("part_gang") for host in hosts), 15)
    assert time.monotonic() - begun < 15


@pytest.mark.faults
def test_a_cut_link_names_host_and_rank(lab: Client, lan: Lan) -> None:
    ready(lab, "lab")
    gamma = lan.hosts[2]
    job = submit(lab, engine="torchrun", nodes=["large:2", "small:1"], params=LONG, name="cut")
    until(lambda: lab.jobs.metrics(job.id).series)
    gamma.cut()
    try:
        ended = lab.wait(job.id)
        until(lambda: not gamma.processes("part_gang"))
    finally:
        gamma.mend()
    assert ended.state == "failed"
    assert ended.cause is not None
    assert ended.cause.code == "node-lost"
    place = next(place for place in ended.places if place.node == "gamma")
    rank = [p.node for p in ended.places].index(place.node)
    assert f"node 'gamma' ({gamma.address})" in ended.cause.message
    assert f"rank {rank}" in ended.cause.message


@pytest.mark.faults
def test_a_node_lost_in_the_middle_costs_at_most_one_checkpoint_interval(
    lab: Client, lan: Lan, data: Path
) -> None:
    ready(lab, "lab")
    beta = lan.hosts[1]
    job = submit(
        lab, engine="horovod", nodes=["any:3"], min_np=2, max_restarts=1, checkpoint_steps=20,
        params=LONG, name="survives",
    )  # fmt: skip
    until(lambda: steps_of(lab, job) > 60)
    beta.cut()
    seen = steps_of(lab, job)
    try:
        until(lambda: lab.jobs.show(job.id).restarts)
        until(lambda: steps_of(lab, job) > seen + 20)
        beta.mend()
        until(lambda: "beta joins" in log_of(lab, job, -1))
    finally:
        beta.mend()
        lab.jobs.stop(job.id)
    ended = lab.wait(job.id)
    assert ended.restarts == 1
    text = log_of(lab, job, -1)
    assert f"node 'beta' ({beta.address}) was lost" in text
    assert "restart 1: 2 ranks go on from the newest checkpoint" in text
    first, second = [steps[0] for steps in event_steps(data / "jobs" / job.id / "tb")][:2]
    assert first < seen < second + 20 + 6  # the interval, and an epoch, whose end is a point


def _other_python(folder: Path) -> Path:
    """An interpreter that says it is of another version."""
    site = folder / "sitecustomize.py"
    site.write_text("import platform\nplatform.python_version = lambda: '3.99.0'\n")
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return program


def test_faults_of_a_node_are_told_before_it_is_taken(
    lab: Client, lan: Lan, tmp_path: Path
) -> None:
    with pytest.raises(AimassError, match="no SSH server answers"):
        lab.nodes.add("lab", "nobody", address=lan.hosts[0].address, port=2222)
    other = lan.hosts[1].folder / "host_key.pub"
    key = " ".join(other.read_text().split()[:2])
    lab.clusters.create("second")
    with pytest.raises(InvalidRequest, match=r"reach: .*[Hh]ost key verification failed"):
        lab.nodes.add("second", "liar", address=lan.hosts[0].address, host_key=key)
    one, two = ({"address": h.address, "folder": str(h.folder / "second")} for h in lan.hosts[:2])
    lab.nodes.add("second", "first", **one)
    with pytest.raises(InvalidRequest, match=r"python: Python is 3\.99\.0 there, .* on 'first'"):
        lab.nodes.add("second", "newer", **two, python=str(_other_python(tmp_path)))
    with pytest.raises(InvalidRequest, match=r"reach: .*No such file") as raised:
        lab.nodes.add("second", "bare", **two, python="/nowhere/python")
    assert "--python" in raised.value.hint
    with pytest.raises(InvalidRequest, match=r"reach: .*/proc/nowhere") as raised:
        lab.nodes.add("second", "lost", address=two["address"], folder="/proc/nowhere")
    assert "--folder" in raised.value.hint
    with pytest.raises(InvalidRequest, match="stands for no address here"):  # no server is asked
        lab.nodes.add("second", "unknown", address="n" * 64)
    lab.nodes.remove("second", "first")
    with pytest.raises(InvalidRequest, match="no node of cluster 'lab' has the profile 'huge'"):
        submit(lab, nodes=["huge:1"])
    lab.clusters.delete("second")
    assert lab.clusters.check("lab").ok


def test_use_is_told(lab: Client) -> None:
    ready(lab, "lab")
    job = submit(lab, engine="torchrun", nodes=["any:2"], params=LONG, name="busy")
    try:
        usage = until(lambda: (u := lab.clusters.usage("lab")) and len(u.jobs) == 2 and u)
        assert {use.job for use in usage.jobs} == {job.id}
        assert all(use.processes and use.memory_bytes for use in usage.jobs)
        assert lab.nodes.usage("lab", usage.jobs[0].node).history
    finally:
        lab.jobs.stop(job.id)
        lab.wait(job.id)
