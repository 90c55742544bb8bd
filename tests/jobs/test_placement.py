"""Placement: the laws of where ranks go, and of a queue over several nodes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_server.jobs.picture import Limits, Picture, Running, Waiting
from aimass_server.jobs.placement import ANYWHERE, Room, Wants, place
from aimass_server.jobs.queue import decide, forecast
from aimass_server.jobs.turns import in_order

PROFILES = ("large", "small")
TENANTS = ("lab", "shop")

rooms = st.lists(
    st.builds(
        Room,
        name=st.sampled_from("abcdef"),
        slots=st.integers(1, 6),
        profile=st.sampled_from(PROFILES),
        labels=st.frozensets(st.sampled_from(("gpu", "ssd"))),
        tenants=st.frozensets(st.sampled_from(TENANTS), max_size=1),
    ),
    min_size=1, max_size=5, unique_by=lambda room: room.name,
)  # fmt: skip
wants = st.builds(
    Wants,
    nodes=st.sampled_from([(), (("large", 1),), (("large", 1), ("small", 2)), (("any", 2),)]),
    labels=st.frozensets(st.sampled_from(("gpu", "ssd")), max_size=1),
)


def slots(some: list[Room]) -> dict[str, int]:
    return {room.name: room.slots for room in some}


@given(rooms, wants, st.sampled_from(TENANTS), st.integers(1, 8), st.integers(0, 6))
@settings(max_examples=400)
def test_all_ranks_are_placed_where_they_may_be_or_none(
    some: list[Room], wanted: Wants, tenant: str, least: int, more: int
) -> None:
    free = slots(some)
    found = place(free, some, wanted, tenant, least, least + more)
    if found is None:
        return
    by_name = {room.name: room for room in some}
    assert least <= sum(found.values()) <= least + more
    for name, ranks in found.items():
        assert 1 <= ranks <= free[name]
        assert wanted.labels <= by_name[name].labels
        assert not by_name[name].tenants or tenant in by_name[name].tenants
    if wanted.nodes:
        assert len(found) == wanted.least_nodes
        for profile, count in wanted.nodes:
            if profile != "any":
                assert sum(by_name[name].profile == profile for name in found) >= count


@given(rooms, wants, st.sampled_from(TENANTS), st.integers(1, 8), st.sampled_from("abcdef"))
@settings(max_examples=400)
def test_more_room_makes_no_job_homeless(
    some: list[Room], wanted: Wants, tenant: str, least: int, grown: str
) -> None:
    free = slots(some)
    if place(free, some, wanted, tenant, least, least) is not None and grown in free:
        assert place(free | {grown: free[grown] + 2}, some, wanted, tenant, least, least)


def test_a_job_goes_on_the_fullest_node_that_has_room_for_all_of_it() -> None:
    some = [Room("a", 8), Room("b", 4), Room("c", 2)]
    assert place(slots(some), some, ANYWHERE, "lab", 3, 3) == {"b": 3}
    assert place(slots(some), some, ANYWHERE, "lab", 10, 10) == {"a": 8, "b": 2}
    assert place(slots(some), some, ANYWHERE, "lab", 15, 15) is None


def test_ranks_are_dealt_out_evenly_over_the_nodes_that_were_asked_for() -> None:
    some = [Room("a", 8, "large"), Room("b", 8, "large"), Room("c", 1, "small")]
    asked = Wants.parse(["large:2", "small:1"], [])
    assert place(slots(some), some, asked, "lab", 5, 5) == {"a": 2, "b": 2, "c": 1}


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    some = draw(rooms)
    queue = [
        Waiting(
            f"job_{number:03}", (draw(st.sampled_from(TENANTS)), "ada"), priority=1,
            least=(least := draw(st.integers(1, 8))), most=least + draw(st.integers(0, 2)),
            seconds=draw(st.floats(1, 100)), wants=draw(wants),
        )
        for number in range(draw(st.integers(0, 12)))
    ]  # fmt: skip
    running = []
    for number, room in enumerate(some):
        if taken := draw(st.integers(0, room.slots)):
            running.append(
                Running(f"run_{number}", ("lab", "bob"), taken, 50.0, {room.name: taken})
            )
    limits = Limits(sum(room.slots for room in some), nodes=tuple(some))
    return Picture(0.0, limits, queue, running)


@given(pictures())
@settings(max_examples=300)
def test_no_node_is_ever_overfull_and_no_job_half_started(picture: Picture) -> None:
    decision = decide(picture)
    jobs = {job.id: job for job in picture.waiting}
    assert decision.starts.keys() | decision.blocked.keys() == jobs.keys()
    for room in picture.limits.nodes:
        held = sum(job.places.get(room.name, 0) for job in picture.running)
        begun = sum(places.get(room.name, 0) for places in decision.places.values())
        assert held + begun <= room.slots
    for id_, count in decision.starts.items():
        assert count == sum(decision.places[id_].values()) >= jobs[id_].slots


@given(pictures())
@settings(max_examples=300)
def test_passing_the_first_that_does_not_fit_never_delays_it_on_nodes_either(
    picture: Picture,
) -> None:
    whole = replace(picture, waiting=[replace(job, most=job.least) for job in picture.waiting])
    decision = decide(whole)
    order = list(in_order(whole.waiting, whole.used))
    first = next((job for job in order if job.id not in decision.starts), None)
    if first is None:
        return
    before = {job.id for job in order[: order.index(first)]}
    jobs = {job.id: job for job in order}

    def begun(ids: set[str]) -> Picture:
        new = [
            Running(id_, jobs[id_].user, decision.starts[id_], jobs[id_].seconds, places)
            for id_, places in decision.places.items()
            if id_ in ids
        ]
        return replace(whole, waiting=[first], running=[*whole.running, *new])

    alone = forecast(begun(before), first.id)
    together = forecast(begun(set(decision.starts)), first.id)
    assert (alone is None) == (together is None)
    if alone is not None and together is not None:
        assert together <= alone + 1e-6
