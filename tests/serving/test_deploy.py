"""From a model version to an endpoint that answers, and away again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from aimass_jupyter.contract.endpoints import EndpointList, EndpointRef, PredictRequest
from aimass_jupyter.contract.errors import Failed, Forbidden, InvalidRequest, NotFound
from aimass_server.access import Call

if TYPE_CHECKING:
    from tests.serving.conftest import House

pytestmark = pytest.mark.anyio

ROWS = [{"a": 1.0, "b": 0.0}, {"a": 0.5, "b": -2.0}]


async def test_a_model_is_deployed_asked_and_deleted(
    house: House, linear: Callable[[float], str], http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    assert (endpoint.name, endpoint.model, endpoint.state) == ("linear", "linear@1", "ready")
    assert endpoint.url == f"{house.serving.gateway_url}/v2/models/linear"
    assert endpoint.key
    body = {
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [2], "data": [1.0, 0.5]},
            {"name": "b", "datatype": "FP64", "shape": [2], "data": [0.0, -2.0]},
        ]
    }
    headers = {"authorization": f"Bearer {endpoint.key}"}
    answer = await http.post(f"{endpoint.url}/infer", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model_name"] == "linear"
    assert answer.json()["outputs"][0]["data"] == pytest.approx([4.0, 6.5], abs=1e-4)
    done = await house.serving.delete(house.author, EndpointRef(endpoint="linear"))
    assert done.id == endpoint.id
    assert house.replicas == []
    assert not (house.data / "endpoints" / endpoint.id).exists()
    gone = await http.post(f"{endpoint.url}/infer", json=body, headers=headers)
    assert gone.status_code == 401
