"""Who sees what of clusters: tenants, and the laws of the history's ring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_jupyter.contract.clusters import Cluster, Node, NodeUse
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job, JobCreate, Place
from aimass_server.access import Call, Principal
from aimass_server.clusters.ring import Ring
from aimass_server.clusters.sight import visible
from aimass_server.clusters.usage import job_uses
from aimass_server.jobs.pools import check_nodes

CLUSTER = Cluster(
    id="clu", name="lab", kind="ssh", owner="ada", tenant="physics", tenants=["biology"],
    state="running", created_at=utc_now(),
)  # fmt: skip


def _call(tenant: str) -> Call:
    return Call(Principal("eve", "author", tenant), "clusters.usage")


def _node(name: str, **fields: Any) -> Node:
    return Node(
        id=new_id("node"), name=name, cluster="lab", cluster_id="clu", address="10.0.0.1", slots=2,
        state="ready", user="train", host_key="k", created_at=utc_now(), **fields,
    )  # fmt: skip


def _job(name: str, tenant: str) -> Job:
    return Job(
        id=new_id("job"), name=name, owner=f"{tenant}er", tenant=tenant, state="running",
        engine="single", np=1, algorithm="classification", params={}, seed=0, cluster_id="clu",
        places=[Place(node="a", ranks=1)], created_at=utc_now(),
    )  # fmt: skip


def test_nodes_set_aside_for_others_are_not_there_for_a_tenant() -> None:
    nodes = [_node("all"), _node("ours", tenants=["biology"]), _node("theirs", tenants=["physics"])]
    assert [node.name for node in visible(_call("biology"), CLUSTER, nodes)] == ["all", "ours"]
    assert all(not node.host_key for node in visible(_call("biology"), CLUSTER, nodes))
    assert visible(_call("physics"), CLUSTER, nodes) == nodes


def test_of_other_tenants_jobs_only_the_sum_is_told() -> None:
    mine, one, two = _job("mine", "biology"), _job("secret", "physics"), _job("hidden", "physics")
    use = {"processes": 2, "cpu_percent": 50.0, "memory_bytes": 1000}
    watch = cast(Any, SimpleNamespace(jobs={f"{job.id}.0": use for job in (mine, one, two)}))
    told = job_uses(_call("biology"), _node("a"), watch, [mine, one, two])
    assert [(use.job, use.owner, use.processes) for use in told] == [
        (mine.id, "biologyer", 2),
        ("", "", 4),
    ]
    assert "secret" not in str(told)
    assert two.id not in str(told)


def test_what_a_cluster_never_has_is_told_beside_what_its_nodes_have() -> None:
    nodes = [_node("a", memory_bytes=16 << 30), _node("b", memory_bytes=4 << 30, gpus=1)]
    large = JobCreate(dataset="d", algorithm="regression", np=2, memory=30 << 30)
    with pytest.raises(InvalidRequest, match=r"2 ranks with 1 slot, 30 GB of memory each") as told:
        check_nodes(large, CLUSTER, nodes, "physics")
    assert "a (2 slots, 16 GB of memory), b (2 slots, 4 GB of memory)" in told.value.hint
    gpus = large.model_copy(update={"np": 1, "memory": None, "gpus": 2})
    with pytest.raises(InvalidRequest, match="1 rank with 1 slot, 2 GPUs each") as told:
        check_nodes(gpus, CLUSTER, nodes, "physics")
    assert "b (2 slots, 1 GPU)" in told.value.hint


@given(st.lists(st.floats(5, 4000), min_size=1, max_size=600))
@settings(max_examples=50)
def test_history_is_in_order_and_thin(gaps: list[float]) -> None:
    ring, at = Ring(), datetime(2026, 1, 1, tzinfo=UTC)
    for gap in gaps:
        at += timedelta(seconds=gap)
        ring.add(NodeUse(at=at, cpu_percent=gap, memory_bytes=1, memory_percent=1, disk_bytes=1,
                         disk_percent=1))  # fmt: skip
    samples = ring.samples()
    times = [sample.at for sample in samples]
    assert times == sorted(set(times))
    assert samples[-1].at == at
    assert all((at - sample.at).days <= 31 for sample in samples)
    assert min(gaps) <= min(s.cpu_percent for s in samples)
    assert max(s.cpu_percent for s in samples) <= max(gaps)
