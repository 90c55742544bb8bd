"""GPUs: no two jobs that ask have the same one, in whatever order they come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.devices import Devices
from aimass_server.jobs.history import History
from aimass_server.jobs.placement import Room

ROOMS = (Room("a", 8, gpus=4), Room("b", 8, gpus=2))


def _job(gpus: int = 0, **fields: object) -> Job:
    values: dict[str, object] = {
        "id": new_id("job"), "name": "j", "owner": "ada", "tenant": "t", "state": "running",
        "engine": "single", "np": 1, "algorithm": "code", "params": {}, "seed": 0,
        "created_at": utc_now(), "options": JobOptions(gpus=gpus),
    }  # fmt: skip
    return Job.model_validate(values | fields)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.booleans()), max_size=30))
def test_what_a_job_holds_no_other_gets(steps: list[tuple[int, str, bool]]) -> None:
    holding: list[Job] = []
    for gpus, node, ends in steps:
        if ends and holding:
            holding.pop(0)
        held = {(n, one) for job in holding for n, some in job.devices.items() for one in some}
        there = next(room.gpus for room in ROOMS if room.name == node)
        if gpus > there - sum(1 for name, _ in held if name == node):
            continue  # the ledger of amounts would have it wait
        given_ = Devices(ROOMS, holding).give(_job(gpus), {node: 1})
        got = {(name, one) for name, some in given_.items() for one in some}
        assert not got & held
        if gpus:
            assert len(got) == gpus
            holding.append(_job(gpus, devices=given_))


def test_who_asks_for_none_sees_what_nobody_holds() -> None:
    holder = _job(1, devices={"b": [0]})
    assert Devices(ROOMS, []).give(_job(), {"a": 1}) == {}
    assert Devices(ROOMS, [holder]).give(_job(), {"b": 1}) == {"b": [1]}


def test_who_goes_on_elsewhere_keeps_what_it_has_and_gets_its_own_there() -> None:
    other = _job(1, devices={"a": [0], "b": [0]})
    job = _job(1, devices={"a": [2]})
    assert Devices(ROOMS, [other]).give(job, {"a": 2, "b": 1}) == {"a": [1, 2], "b": [1]}


def test_memory_is_the_most_that_jobs_alike_took() -> None:
    history, now = History(), utc_now()
    for peak in (100, 300, 200):
        history.learn([_job(peak_memory_bytes=peak, started_at=now, ended_at=now)])
    assert history.memory_of(_job()) == 300
    assert history.memory_of(_job(algorithm="regression")) == 0
