"""From a model version to an endpoint that answers, switched without a gap, and away again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from aimass_jupyter.contract.endpoints import EndpointList, EndpointRef, PredictRequest
from aimass_jupyter.contract.errors import Failed, Forbidden, InvalidRequest, NotFound
from aimass_server.access import Call
from aimass_server.store import endpoints

if TYPE_CHECKING:
    from tests.serving.conftest import House

pytestmark = pytest.mark.anyio

Linear = Callable[[float], str]


def infer_body(a: float, b: float) -> dict[str, object]:
    return {
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [1], "data": [a]},
            {"name": "b", "datatype": "FP64", "shape": [1], "data": [b]},
        ]
    }


async def predict(house: House, endpoint: str, rows: list[dict[str, object]]) -> list[object]:
    request = PredictRequest(endpoint=endpoint, rows=rows)
    return (await house.serving.predict(house.author, request)).predictions


async def test_a_model_is_deployed_asked_and_deleted(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    assert (endpoint.name, endpoint.model, endpoint.state) == ("linear", "linear@1", "ready")
    assert endpoint.url == f"{house.serving.gateway_url}/v2/models/linear"
    headers = {"authorization": f"Bearer {endpoint.key}"}
    answer = await http.post(f"{endpoint.url}/infer", json=infer_body(0.5, -2.0), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model_name"] == "linear"
    assert answer.json()["model_version"] == "1"
    assert answer.json()["outputs"][0]["data"] == pytest.approx([6.5], abs=1e-4)
    done = await house.serving.delete(house.author, EndpointRef(endpoint="linear"))
    assert done.id == endpoint.id
    assert done.freed_bytes > 0
    assert house.replicas == []
    assert list((house.data / "endpoints").iterdir()) == []
    gone = await http.post(f"{endpoint.url}/infer", json=infer_body(0, 0), headers=headers)
    assert gone.status_code == 401


async def test_rows_are_predicted_for_who_is_logged_in(
    house: House, linear: Linear, halves: str
) -> None:
    await house.deploy(linear(3.0))
    assert await predict(house, "linear", [{"a": 1, "b": 0}, {"a": 0.5, "b": -2}]) == pytest.approx(
        [4.0, 6.5], abs=1e-4
    )
    await house.deploy(halves, name="halves-beta")
    top, bottom = [[9.0, 9.0], [0.0, 1.0]], [[1.0, 0.0], [8.0, 9.0]]
    request = PredictRequest(
        endpoint="halves-beta", rows=[{"image": [top]}, {"image": bottom}, {"image": [9, 9, 1, 1]}]
    )
    prediction = await house.serving.predict(house.author, request)
    assert prediction.predictions == ["top", "bottom", "top"]
    assert prediction.model == "halves@1"
    assert [len(row) for row in prediction.outputs["probabilities"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"a": 1.0}, "row 2: the input 'b' is missing"),
        ({"a": 1.0, "b": 1.0, "bb": 1.0}, "row 2: the model has no input 'bb'"),
        ({"a": 1.0, "b": [1.0]}, "row 2: the input 'b' is of shape [1], wanted is a single value"),
        ({"a": 1.0, "b": "much"}, "of input 'b' is \"much\""),
        ({"a": 1.0, "b": True}, "of input 'b' is true"),
        ({"a": 1.0, "b": float("nan")}, "a value is NaN"),
    ],
)
async def test_a_wrong_row_is_refused_by_the_name_of_its_input(
    house: House, linear: Linear, row: dict[str, object], words: str
) -> None:
    await house.deploy(linear(3.0))
    with pytest.raises(InvalidRequest) as refusal:
        await predict(house, "linear", [{"a": 1.0, "b": 1.0}, row])
    assert words in str(refusal.value)


async def test_a_switch_under_load_refuses_nobody(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    first, second = linear(3.0), linear(5.0)
    endpoint = await house.deploy(first)
    headers = {"x-api-key": str(endpoint.key)}
    answers: list[tuple[str, float]] = []
    switched = asyncio.Event()

    async def ask(count_after: int) -> None:
        while count_after:
            answer = await http.post(
                f"{endpoint.url}/infer", json=infer_body(1, 0), headers=headers
            )
            assert answer.status_code == 200, answer.text
            content = answer.json()
            answers.append((content["model_version"], content["outputs"][0]["data"][0]))
            count_after -= switched.is_set()

    askers = [asyncio.create_task(ask(20)) for _ in range(8)]
    again = await house.deploy(second)
    switched.set()
    asked_before = len(answers)
    await asyncio.gather(*askers)
    assert again.key is None
    assert (again.id, again.url) == (endpoint.id, endpoint.url)
    assert asked_before > 20
    right = {"1": 4.0, "2": 6.0}
    assert {version for version, _ in answers} == {"1", "2"}
    assert all(value == pytest.approx(right[version], abs=1e-3) for version, value in answers)
    late = answers[asked_before + 8 :]  # asked after the deploy had answered
    assert {version for version, _ in late} == {"2"}
    await house.until(lambda: len(house.replicas) == 1)
    deployments = house.data / "endpoints" / endpoint.id
    await house.until(lambda: len(list(deployments.iterdir())) == 1)


async def test_a_deploy_that_fails_changes_nothing(house: House, linear: Linear) -> None:
    endpoint = await house.deploy(linear(3.0))
    broken = linear(5.0)
    path = house.blobs.path_of(house.shelf.models["linear"][1].digest)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Failed, match=r"replica of 'linear@2' did not start: .* not a "):
        await house.deploy(broken)
    with pytest.raises(Failed, match="'linear@2' did not start"):
        await house.deploy(broken, name="other")
    shown = await house.serving.list(house.author, EndpointList())
    assert [(e.name, e.model, e.state) for e in shown.items] == [("linear", "linear@1", "ready")]
    assert await predict(house, "linear", [{"a": 1, "b": 0}]) == pytest.approx([4.0], abs=1e-4)
    assert len(house.replicas) == 1
    left = [path.name for path in (house.data / "endpoints").glob("*/*")]
    assert left == ["1"]
    assert [p.name for p in (house.data / "endpoints").iterdir()] == [endpoint.id]


async def test_a_bundle_that_is_gone_is_said_before_anything_is_started(
    house: House, linear: Linear
) -> None:
    model = linear(3.0)
    house.blobs.delete(house.shelf.models["linear"][0].digest)
    with pytest.raises(NotFound, match="bundle of 'linear@1' is not in the data folder"):
        await house.deploy(model)
    assert house.processes() == []


async def test_an_endpoint_is_its_owners_and_its_tenants(
    house: House, linear: Linear, http: httpx.AsyncClient, another_user: Call, another_tenant: Call
) -> None:
    mine = await house.deploy(linear(3.0))
    ref = EndpointRef(endpoint="linear")
    with pytest.raises(Forbidden, match="belongs to 'ada'"):
        await house.serving.delete(another_user, ref)
    with pytest.raises(Forbidden, match="belongs to 'ada'"):
        await house.serving.key(another_user, ref)
    assert (await house.serving.show(another_user, ref)).key is None
    with pytest.raises(NotFound, match="there is no endpoint 'linear'"):
        await house.serving.show(another_tenant, ref)
    theirs = await house.deploy(linear(5.0), by=another_tenant)
    assert theirs.id != mine.id
    for endpoint, expected in ((mine, 4.0), (theirs, 6.0)):  # the key tells them apart
        answer = await http.post(
            f"{endpoint.url}/infer", json=infer_body(1, 0), headers={"x-api-key": endpoint.key}
        )
        assert answer.json()["outputs"][0]["data"] == pytest.approx([expected], abs=1e-3)


async def test_a_second_key_opens_the_same_endpoint_and_no_key_is_kept(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    first = await house.deploy(linear(3.0))
    second = await house.serving.key(house.author, EndpointRef(endpoint=first.id))
    keys = [str(first.key), str(second.key)]
    assert len(set(keys)) == 2
    for key in keys:
        assert key.startswith("aimk_")
        answer = await http.get(first.url, headers={"x-api-key": key})
        assert answer.status_code == 200
    house.store.close()
    kept = [path for path in house.data.rglob("*") if path.is_file()]
    assert any(path.name == "aimass.db" for path in kept)
    for path in kept:
        content = path.read_bytes()
        assert not any(key.encode() in content for key in keys), path


async def test_deploys_of_one_name_at_once_follow_each_other(house: House, linear: Linear) -> None:
    models = [linear(slope) for slope in (3.0, 4.0, 5.0)]
    deployed = await asyncio.gather(*(house.deploy(model) for model in models))
    assert len({endpoint.id for endpoint in deployed}) == 1
    assert sum(endpoint.key is not None for endpoint in deployed) == 1
    (kept,) = await house.store.read(endpoints.every)
    assert kept.deployment == 3
    slope = {f"linear@{n}": n + 2.0 for n in (1, 2, 3)}[kept.model]
    answer = await predict(house, "linear", [{"a": 1, "b": 0}])
    assert answer == pytest.approx([slope + 1], abs=1e-3)
    await house.until(lambda: len(house.replicas) == 1)


async def test_an_unknown_endpoint_is_named_with_the_nearest(house: House, linear: Linear) -> None:
    await house.deploy(linear(3.0))
    with pytest.raises(NotFound, match="no endpoint 'linaer' — did you mean 'linear'"):
        await predict(house, "linaer", [{"a": 1, "b": 0}])
