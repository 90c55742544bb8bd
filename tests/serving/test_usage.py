"""What is counted of an endpoint, and the way back to what it served before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.endpoints import EndpointRef
from aimass_jupyter.contract.errors import Conflict, Forbidden
from aimass_server.serving.gateway.tally import MAX_SLOTS, SLOT_SECONDS, Tally
from tests.serving.conftest import _call_of
from tests.serving.test_deploy import infer_body, predict

if TYPE_CHECKING:
    from tests.serving.conftest import House

Linear = Callable[[float], str]
LINEAR = EndpointRef(endpoint="linear")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(1e-4, 60.0), min_size=1, max_size=200))
def test_a_percentile_is_told_to_within_a_tenth(seconds: list[float]) -> None:
    tally = Tally(Clock())
    for one in seconds:
        tally.add("m@1", 200, one)
    told = tally.told(60)["latency"]
    for quantile, name in ((0.5, "p50_ms"), (0.99, "p99_ms")):
        ordered = sorted(seconds)
        place = min(len(seconds) - 1, max(0, -(-int(quantile * 1000) * len(seconds) // 1000) - 1))
        assert 0.999 <= told[name] / (1000 * ordered[place]) <= 1.101
    assert told["mean_ms"] == pytest.approx(1000 * sum(seconds) / len(seconds), rel=1e-3, abs=1e-3)


def test_counts_are_by_model_and_by_time_and_bounded() -> None:
    clock = Clock()
    tally = Tally(clock)
    for number in range(2 * MAX_SLOTS):
        clock.now += SLOT_SECONDS
        tally.add("m@2" if number % 4 == 0 else "m@1", (200, 503, 400, 200)[number % 4], 0.01)
    told = tally.told(SLOT_SECONDS * MAX_SLOTS)
    assert told["requests"] == MAX_SLOTS
    assert (told["errors"], told["refused"]) == (MAX_SLOTS // 4, MAX_SLOTS // 4)
    assert (told["requests_ever"], told["errors_ever"]) == (2 * MAX_SLOTS, MAX_SLOTS // 2)
    assert {one["model"]: one["requests"] for one in told["versions"]} == {
        "m@1": MAX_SLOTS * 3 // 4,
        "m@2": MAX_SLOTS // 4,
    }
    assert len(told["history"]) == MAX_SLOTS
    clock.now += 2 * SLOT_SECONDS * MAX_SLOTS
    quiet = tally.told(SLOT_SECONDS * MAX_SLOTS)
    assert quiet["requests"] == 0
    assert quiet["latency"]["p50_ms"] is None
    assert quiet["history"] == []


@pytest.mark.anyio
async def test_an_endpoint_tells_how_it_is_used(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    idle = await house.serving.usage(house.author, LINEAR)
    assert (idle.requests, idle.latency.p50_ms, idle.history) == (0, None, [])
    assert [one.model for one in idle.replicas] == ["linear@1"]
    headers = {"authorization": f"Bearer {endpoint.key}"}
    for _ in range(4):
        await http.post(f"{endpoint.url}/infer", json=infer_body(1, 2), headers=headers)
    await http.post(f"{endpoint.url}/infer", json={"inputs": []}, headers=headers)
    await house.deploy(linear(5.0))
    await predict(house, "linear", [{"a": 1, "b": 2}])
    usage = await house.serving.usage(house.author, LINEAR)
    assert (usage.requests, usage.errors, usage.refused) == (6, 0, 1)
    assert {one.model: one.requests for one in usage.versions} == {"linear@1": 5, "linear@2": 1}
    assert sum(one.share for one in usage.versions) == pytest.approx(1)
    assert usage.latency.p50_ms is not None
    assert usage.latency.p99_ms is not None
    assert 0 < usage.latency.p50_ms <= usage.latency.p99_ms
    assert usage.requests_per_second > 0
    assert sum(one.requests for one in usage.history) == 6


@pytest.mark.anyio
async def test_what_was_counted_is_for_the_control_plane_alone(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    url = f"{house.serving.gateway_url}/internal/usage/{endpoint.id}"
    assert (await http.get(url)).status_code == 401
    headers = {"authorization": f"Bearer {endpoint.key}"}
    assert (await http.get(url, headers=headers)).status_code == 401


@pytest.mark.anyio
async def test_rolled_back_it_serves_what_it_served_before(house: House, linear: Linear) -> None:
    models = [linear(3.0), linear(5.0)]
    with ExitStack() as kept:  # as the library keeps the bundles of its versions
        for version in house.shelf.models["linear"]:
            kept.enter_context(house.blobs.pinned(version.digest))
        await house.deploy(models[0])
        with pytest.raises(Conflict, match="has served nothing but linear@1"):
            await house.serving.rollback(house.author, LINEAR)
        await house.deploy(models[1])
        await house.deploy(models[1])  # the same once more is no step back
        with pytest.raises(Forbidden):
            await house.serving.rollback(_call_of("eve"), LINEAR)
        back = await house.serving.rollback(house.author, LINEAR)
        assert (back.model, back.previous, back.key) == ("linear@1", "linear@2", None)
        assert await predict(house, "linear", [{"a": 1, "b": 0}]) == pytest.approx([4.0], abs=1e-4)
        forth = await house.serving.rollback(house.author, LINEAR)
        assert (forth.model, forth.previous) == ("linear@2", "linear@1")
