"""The laws of growing: an elastic job takes what is free and suits it, and gives up nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.clusters import Node
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.hosts import allowed_ranks, grown
from aimass_server.jobs.placement import Wants

PROFILES = ("", "big", "small")


def _node(number: int, profile: str, tenants: list[str]) -> Node:
    return Node(
        id=new_id("node"), name=f"n{number}", cluster="c", cluster_id="c", address="10.0.0.1",
        slots=4, profile=profile, tenants=tenants, state="ready", created_at=utc_now(),
    )  # fmt: skip


def _job(nodes: list[str]) -> Job:
    return Job(
        id=new_id("job"), name="j", owner="ada", tenant="physics", state="running", np=1,
        engine="torchrun", algorithm="classification", params={}, seed=0, cluster_id="c",
        options=JobOptions(nodes=nodes, max_np=8), created_at=utc_now(),
    )  # fmt: skip


NODES = st.lists(
    st.tuples(st.sampled_from(PROFILES), st.sampled_from([[], ["physics"], ["biology"]])),
    min_size=1, max_size=6,
).map(lambda kinds: [_node(number, *kind) for number, kind in enumerate(kinds)])  # fmt: skip
WANTED = st.sampled_from([[], ["any:1"], ["any:3"], ["big:1", "small:1"], ["big:1", "any:2"]])


@given(NODES, WANTED, st.integers(1, 8), st.data())
def test_an_elastic_job_grows_within_what_is_free_and_asked_for(
    nodes: list[Node], wanted: list[str], most: int, data: st.DataObject
) -> None:
    free = {node.name: data.draw(st.integers(0, 4)) for node in nodes}
    stays = {nodes[0].name: 1}
    found = grown(_job(wanted), stays, nodes, free, most)
    new = {name: ranks - stays.get(name, 0) for name, ranks in found.items()}
    assert all(0 <= ranks <= free[name] for name, ranks in new.items())
    assert sum(found.values()) <= max(most, 1)
    by_name = {node.name: node for node in nodes}
    wants = Wants.parse(wanted, [])
    joined = [by_name[name] for name in found.keys() - stays.keys()]
    assert all(node.tenants != ["biology"] for node in joined)
    if wanted:
        assert len(found) <= max(wants.least_nodes, 1)
        assert all(
            "any" in dict(wants.nodes) or node.profile in dict(wants.nodes) for node in joined
        )
    full = sum(found.values()) == max(most, 1)
    unused = [n for n in nodes if free[n.name] > new.get(n.name, 0) and n.tenants != ["biology"]]
    assert wanted or full or not unused


def test_no_job_grows_beyond_what_its_owner_may_hold() -> None:
    job, other = _job([]), _job([]).model_copy(update={"id": new_id("job"), "np": 2})
    theirs = other.model_copy(update={"id": new_id("job"), "owner": "bob"})
    elsewhere = other.model_copy(update={"id": new_id("job"), "cluster_id": ""})
    assert allowed_ranks(job, [job, other, theirs, elsewhere], 5) == 3
    assert allowed_ranks(job, [job, other], 1) < 0
    assert allowed_ranks(job, [other], None) > 1000
