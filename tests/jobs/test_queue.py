"""The queue's laws, for every queue, and what a person is told of theirs."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_server.jobs.picture import Amount, Limits, Picture, Running, Waiting
from aimass_server.jobs.placement import Room, Wants
from aimass_server.jobs.queue import decide, forecast
from aimass_server.jobs.turns import in_order

USERS = [("lab", "ada"), ("lab", "bob"), ("shop", "eve")]
ADA, BOB, EVE = USERS


def waiting(number: int, **fields: object) -> Waiting:
    plain = Waiting(f"job_{number:04}", ADA, priority=1, least=1, most=1, seconds=10)
    return replace(plain, **fields)  # type: ignore[arg-type]


def started(picture: Picture) -> list[str]:
    return list(decide(picture).starts)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    slots = draw(st.integers(1, 16))
    limits = Limits(
        slots,
        draw(st.none() | st.integers(1, 4)),
        draw(st.none() | st.integers(1, 16)),
    )
    queue = []
    for number in range(draw(st.integers(0, 30))):
        least = draw(st.integers(1, 20))
        queue.append(
            waiting(
                number,
                user=draw(st.sampled_from(USERS)),
                priority=draw(st.integers(0, 3)),
                least=least,
                most=least + draw(st.integers(0, 4)),
                seconds=draw(st.floats(0.1, 1000)),
                after=draw(st.sampled_from([(), ("job_x",)])),
            )
        )
    running, free = [], slots
    for number in range(draw(st.integers(0, 5))):
        if free:
            taken = draw(st.integers(1, free))
            free -= taken
            running.append(Running(f"run_{number}", draw(st.sampled_from(USERS)), taken, 50.0))
    used = {user: draw(st.floats(0, 1e6)) for user in USERS}
    return Picture(0.0, limits, queue, running, used)


@given(pictures())
@settings(max_examples=300, deadline=None)
def test_every_job_starts_whole_or_is_told_what_keeps_it(picture: Picture) -> None:
    decision = decide(picture)
    jobs = {job.id: job for job in picture.waiting}
    assert decision.starts.keys() | decision.blocked.keys() == jobs.keys()
    assert not decision.starts.keys() & decision.blocked.keys()
    taken = sum(decision.starts.values()) + sum(job.slots for job in picture.running)
    assert taken <= picture.limits.slots
    for id_, slots in decision.starts.items():
        assert jobs[id_].slots <= slots <= jobs[id_].most
        assert not jobs[id_].after
    assert all(blocker.message for blocker in decision.blocked.values())


@given(pictures())
@settings(max_examples=200, deadline=None)
def test_no_user_gets_more_than_the_quota(picture: Picture) -> None:
    decision, limits = decide(picture), picture.limits
    jobs = {job.id: job for job in picture.waiting}
    for user in USERS:
        mine = [slots for id_, slots in decision.starts.items() if jobs[id_].user == user]
        held = [job.slots for job in picture.running if job.user == user]
        if mine and limits.jobs_of_user is not None:
            assert len(mine) + len(held) <= limits.jobs_of_user
        if mine and limits.slots_of_user is not None:
            assert sum(mine) + sum(held) <= limits.slots_of_user


@given(pictures())
@settings(max_examples=200, deadline=None)
def test_passing_the_first_that_does_not_fit_never_delays_it(picture: Picture) -> None:
    """With every job as long as expected, backfill must not move the promised start."""
    limits = Limits(picture.limits.slots)
    jobs = [job for job in picture.waiting if not job.after and job.slots <= limits.slots]
    whole = replace(picture, limits=limits, waiting=[replace(j, most=j.least) for j in jobs])
    decision = decide(whole)
    order = list(in_order(whole.waiting, whole.used))
    first = next((job for job in order if job.id not in decision.starts), None)
    if first is None:
        return
    before = order[: order.index(first)]
    alone = forecast(replace(whole, waiting=[*before, first]), first.id)
    together = [
        Running(id_, first.user, slots, next(j.seconds for j in jobs if j.id == id_))
        for id_, slots in decision.starts.items()
    ]
    after = forecast(replace(whole, waiting=[first], running=[*whole.running, *together]), first.id)
    assert alone is not None
    assert after is not None
    assert after <= alone + 1e-6


def test_urgent_comes_first_and_within_a_priority_who_used_least() -> None:
    queue = [
        waiting(1, user=ADA),
        waiting(2, user=BOB),
        waiting(3, user=ADA, priority=3),
        waiting(4, user=EVE, priority=0),
    ]
    order = [job.id for job in in_order(queue, {ADA: 100.0, BOB: 1.0})]
    assert order == ["job_0003", "job_0002", "job_0001", "job_0004"]


def test_users_take_turns_and_so_do_tenants() -> None:
    queue = [waiting(n, user=ADA) for n in range(4)] + [
        waiting(4, user=BOB), waiting(5, user=EVE), waiting(6, user=EVE)
    ]  # fmt: skip
    order = [job.user for job in in_order(queue, {})]
    assert order[:4] == [ADA, EVE, BOB, EVE]


def test_a_small_job_passes_a_large_one_only_if_it_ends_in_time() -> None:
    running = [Running("r", BOB, 3, ends=100.0)]
    large = waiting(1, least=4, most=4, name="large")
    short, long = waiting(2, seconds=90), waiting(3, seconds=110)
    picture = Picture(0.0, Limits(4), [large, short], running)
    assert started(picture) == ["job_0002"]
    decision = decide(replace(picture, waiting=[large, long]))
    assert not decision.starts
    assert decision.blocked["job_0001"].kind == "slots"
    assert decision.blocked["job_0003"].kind == "priority"
    assert "'large' (job_0001)" in decision.blocked["job_0003"].message
    told = decide(replace(picture, waiting=[large, replace(long, user=EVE)])).blocked["job_0003"]
    assert told.message == "would hold up a job of another tenant, whose turn is before it"


@pytest.mark.parametrize(
    ("limits", "kind"),
    [(Limits(8, jobs_of_user=1), "quota"), (Limits(8, slots_of_user=2), "quota")],
)
def test_a_quota_is_named(limits: Limits, kind: str) -> None:
    running = [Running("r", ADA, 2, ends=100.0)]
    decision = decide(Picture(0.0, limits, [waiting(1), waiting(2, user=BOB)], running))
    assert decision.blocked["job_0001"].kind == kind
    assert list(decision.starts) == ["job_0002"]


def test_an_elastic_job_takes_what_is_free_up_to_its_most() -> None:
    elastic = waiting(1, least=1, most=4)
    assert decide(Picture(0.0, Limits(3), [elastic], [])).starts == {"job_0001": 3}
    assert decide(Picture(0.0, Limits(8), [elastic], [])).starts == {"job_0001": 4}


def test_a_job_that_waits_for_another_starts_in_the_forecast_when_that_one_ends() -> None:
    first, second = waiting(1, seconds=30), waiting(2, after=("job_0001",))
    assert forecast(Picture(5.0, Limits(4), [first, second], []), "job_0002") == 35.0


def test_what_never_fits_has_no_forecast() -> None:
    assert forecast(Picture(0.0, Limits(2), [waiting(1, least=3, most=3)], []), "job_0001") is None


def test_estimates_hold_on_a_mix_of_jobs_that_do_not_run_as_expected() -> None:
    """200 jobs of several users whose true length is spread by a third around the expected."""
    draw = random.Random(1)
    jobs = [
        waiting(
            number,
            user=draw.choice(USERS),
            priority=draw.choice([1, 1, 1, 2]),
            least=(slots := draw.choice([1, 1, 2, 4])),
            most=slots,
            seconds=draw.choice([20.0, 60.0, 300.0]),
        )
        for number in range(200)
    ]
    picture = Picture(0.0, Limits(8), jobs, [])
    expected = {job.id: forecast(picture, job.id) for job in jobs}
    true = {job.id: job.seconds * draw.uniform(0.67, 1.33) for job in jobs}
    began = _replay(picture, true)
    errors = [
        abs(expected[id_] - at) / at  # type: ignore[operator]
        for id_, at in began.items()
        if at > 0
    ]
    assert len(errors) > 150
    assert statistics.median(errors) < 0.25


def _replay(picture: Picture, true: dict[str, float]) -> dict[str, float]:
    """Let the jobs run as long as they truly do; when each began."""
    left = {job.id: job for job in picture.waiting}
    ends: dict[str, tuple[float, Running]] = {}
    began, now = {}, 0.0
    used = dict.fromkeys(USERS, 0.0)
    while left:
        running = [job for _, job in ends.values()]
        decision = decide(replace(picture, now=now, waiting=[*left.values()], running=running,
                                  used=used))  # fmt: skip
        for id_, slots in decision.starts.items():
            job = left.pop(id_)
            began[id_] = now
            used[job.user] += slots * job.seconds
            ends[id_] = (now + true[id_], Running(id_, job.user, slots, now + job.seconds))
        ended = min(ends, key=lambda id_: ends[id_][0])
        now = ends.pop(ended)[0]
    return began


@given(pictures())
@settings(max_examples=150, deadline=None)
def test_halves_of_slots_memory_and_gpus_are_never_given_twice(picture: Picture) -> None:
    each = [Amount(0.5), Amount(1, 3), Amount(2, 1, 1), Amount(1.5)]
    limits = replace(picture.limits, memory=8.0, gpus=2)
    mixed = [replace(job, each=each[i % 4]) for i, job in enumerate(picture.waiting)]
    picture = replace(picture, limits=limits, waiting=mixed, running=[])
    decision = decide(picture)
    jobs = {job.id: job for job in picture.waiting}
    total = Amount(0.0)
    for id_, ranks in decision.starts.items():
        assert jobs[id_].least <= ranks <= jobs[id_].most
        total = total.plus(jobs[id_].each.times(ranks))
    assert total.slots <= limits.slots
    assert total.memory <= limits.memory
    assert total.gpus <= limits.gpus
    for id_, blocker in decision.blocked.items():
        small = jobs[id_].least == 1 and jobs[id_].each == Amount(0.5) and not jobs[id_].after
        if small and blocker.kind == "slots":
            assert total.slots > limits.slots - 0.5


def test_two_halves_share_a_slot_and_why_counts_in_halves() -> None:
    halves = [waiting(n, each=Amount(0.5)) for n in range(3)]
    decision = decide(Picture(0.0, Limits(1), halves, []))
    assert list(decision.starts) == ["job_0000", "job_0001"]
    assert decision.blocked["job_0002"].message == "needs 0.5 slots, 0 are free"


def test_memory_keeps_a_job_and_is_named() -> None:
    large = waiting(1, each=Amount(1, 6 << 30))
    running = [Running("r", BOB, 1, 50.0, each=Amount(1, 4 << 30))]
    decision = decide(Picture(0.0, Limits(4, memory=8 << 30), [large], running))
    told = decision.blocked["job_0001"].message
    assert "each rank needs 6 GB of memory, 4 GB are free" in told


@pytest.mark.parametrize(
    ("rooms", "job", "told"),
    [
        (
            [Room("", 4, memory=6 << 30)],
            waiting(1, least=2, each=Amount(1, 4 << 30)),
            "needs 2 slots, 4 are free; each rank needs 4 GB of memory, 6 GB are free",
        ),
        (
            [Room("a", 1), Room("b", 1)],
            waiting(1, each=Amount(1.5)),
            "needs 1.5 slots; 2 are free for it, in pieces that hold 0 of its 1 rank",
        ),
        (
            [Room("a", 2, "big"), Room("b", 0, "big")],
            waiting(1, least=2, wants=Wants((("big", 2),))),
            "needs 2 slots on 2 nodes of profile 'big'; 2 are free for it, on 1 node",
        ),
        (
            [Room("a", 2, "big")],
            waiting(1, wants=Wants((("small", 1),))),
            "needs 1 slot on 1 node of profile 'small'; none of the nodes that are ready suits it",
        ),
        ([Room("", 2, gpus=1)], waiting(1, each=Amount(1, 0, 2)), "needs 2 GPUs, 1 is free"),
    ],
)
def test_what_is_short_is_told_where_slots_would_do(
    rooms: list[Room], job: Waiting, told: str
) -> None:
    limits = Limits(4, nodes=tuple(rooms))
    if not rooms[0].name:
        limits = Limits(rooms[0].slots, memory=rooms[0].memory, gpus=int(rooms[0].gpus))
    assert told in decide(Picture(0.0, limits, [job], [])).blocked[job.id].message


def test_deadlines_come_first_of_ones_own_jobs_until_they_have_passed() -> None:
    queue = [
        waiting(1),
        waiting(2, deadline=90.0),
        waiting(3, deadline=50.0),
        waiting(4, deadline=9.0),
        waiting(5, priority=3),
    ]
    order = [job.id[-1] for job in in_order(queue, {}, now=10.0)]
    assert order == ["5", "3", "2", "1", "4"]
    others = [waiting(n, user=user) for n, user in enumerate((BOB, EVE), 6)]
    for used, expected in (({}, "37621"), ({ADA: 1.0}, "76321")):
        told = [job.id[-1] for job in in_order([*queue[:3], *others], used, now=10.0)]
        assert "".join(told) == expected, "a deadline is no way past who used less"


def test_who_is_tried_again_waits_for_its_moment_and_keeps_nobody() -> None:
    again, other = waiting(1, not_before=30.0), waiting(2, seconds=100)
    picture = Picture(0.0, Limits(1), [again, other], [])
    decision = decide(picture)
    assert list(decision.starts) == ["job_0002"]
    assert decision.blocked["job_0001"].kind == "retry"
    broke = decide(replace(picture, spent={ADA: "it is spent"})).blocked["job_0001"]
    assert (broke.kind, broke.message.partition("; ")[2]) == ("retry", "it is spent")
    assert forecast(replace(picture, waiting=[again]), "job_0001") == 30.0
    assert forecast(picture, "job_0001") == 100.0
