"""The gateway's door: the protocol, the keys, and what is refused before a model hears of it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from aimass_jupyter import __version__
from aimass_server.serving.gateway.body import MAX_BODY_BYTES

if TYPE_CHECKING:
    from tests.serving.conftest import Door

pytestmark = pytest.mark.anyio


def body(**changes: Any) -> dict[str, Any]:
    a = {"name": "a", "datatype": "FP64", "shape": [2], "data": [1.0, 2.0]} | changes
    return {"inputs": [a, {"name": "b", "datatype": "FP64", "shape": [2], "data": [0.0, 0.0]}]}


async def test_the_server_tells_what_it_is_to_anybody(door: Door) -> None:
    for path, content in (
        ("/v2", {"name": "aimass-jupyter", "version": __version__, "extensions": []}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
    ):
        answer = await door.ask("GET", path, headers={})
        assert (answer.status_code, answer.json()) == (200, content)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        head = await door.ask("HEAD", path, headers={})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize("version", ["", "/versions/1"])
async def test_a_model_tells_what_it_takes_and_gives(door: Door, version: str) -> None:
    answer = await door.ask("GET", f"/v2/models/linear{version}")
    content = answer.json()
    assert answer.status_code == 200
    assert (content["name"], content["versions"]) == ("linear", ["1"])
    assert [(i["name"], i["datatype"], i["shape"]) for i in content["inputs"]] == [
        ("a", "FP64", [-1]),
        ("b", "FP64", [-1]),
    ]
    ready = await door.ask("GET", f"/v2/models/linear{version}/ready")
    assert (ready.status_code, ready.json()) == (200, {"name": "linear", "ready": True})
    inferred = await door.ask("POST", f"/v2/models/linear{version}/infer", json=body())
    assert inferred.json()["outputs"][0]["data"] == pytest.approx([4.0, 7.0], abs=1e-3)


async def test_every_model_route_wants_a_key_that_holds(door: Door) -> None:
    await _check_refused(door, {})
    await _check_refused(door, {"authorization": "Bearer"})
    await _check_refused(door, {"authorization": f"Basic {door.first.key}"})
    await _check_refused(door, {"authorization": str(door.first.key)})
    await _check_refused(door, {"x-api-key": str(door.first.key)[:-1]})
    await _check_refused(door, {"x-api-key": str(door.first.key).swapcase()})
    await _check_refused(door, {"x-api-key": "é".encode()})
    await _check_refused(door, {"x-api-key": "k" * 10_000})
    await _check_refused(
        door, {"x-api-key": str(door.first.key), "authorization": f"Bearer {door.second.key}"}
    )


async def _check_refused(door: Door, headers: dict[str, Any]) -> None:
    for path in ("", "/linear", "/none", "/linear/ready", "/linear/infer", "/linear/versions/1"):
        for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"):
            answer = await door.ask(method, f"/v2/models{path}", headers=headers)
            assert answer.status_code == 401, (method, path, headers)
            assert answer.headers["www-authenticate"] == 'Bearer realm="aimass"'


@pytest.mark.parametrize("form", ["bearer {}", "Bearer {}", "BEARER   {}"])
async def test_a_key_is_taken_as_a_bearer_of_any_case(door: Door, form: str) -> None:
    headers = {"authorization": form.format(door.first.key)}
    assert (await door.ask("GET", "/v2/models/linear", headers=headers)).status_code == 200


async def test_a_key_opens_its_endpoint_and_tells_nothing_of_others(door: Door) -> None:
    theirs = await door.ask("POST", "/v2/models/halves/infer", json=body())
    nobodys = await door.ask("POST", "/v2/models/nobodys/infer", json=body())
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text.replace("halves", "X") == nobodys.text.replace("nobodys", "X")
    by_id = await door.ask("GET", f"/v2/models/{door.second.id}")
    assert by_id.status_code == 404
    wrong_version = await door.ask("GET", "/v2/models/linear/versions/2")
    assert wrong_version.status_code == 404
    assert "no version '2'" in wrong_version.json()["error"]


async def test_the_control_planes_door_is_closed_to_everybody_else(door: Door) -> None:
    for headers in ({}, {"x-api-key": str(door.first.key)}):
        answer = await door.ask("GET", "/internal/generation", headers=headers)
        assert answer.status_code == 401
    file = door.data / "gateway" / "internal.json"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "query", ["api_key={}", "key=x", "X-Api-Key=x", "access_token=x", "q={}", "Authorization=x"]
)
async def test_a_key_in_a_url_is_refused_even_beside_a_good_one(door: Door, query: str) -> None:
    path = f"/v2/models/linear?{query.format(door.first.key)}"
    answer = await door.ask("GET", path)
    assert answer.status_code == 400
    assert "does not belong in a URL" in answer.json()["error"]
    assert str(door.first.key) not in answer.text


async def test_other_queries_are_passed_over(door: Door) -> None:
    assert (await door.ask("GET", "/v2/models/linear?monkey=1&x=")).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:80", 200),
        ("evil.test", 403),
        ("evil.test:80", 403),
        ("localhost.evil.test", 403),
        ("127.0.0.1.nip.io", 403),
        ("localhost:80@evil.test", 403),
        ("", 403),
    ],
)
async def test_only_loopback_names_are_answered(door: Door, host: str, status: int) -> None:
    answer = await door.ask("GET", "/v2/health/live", headers={"host": host})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v2", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v2/health/live", "GET, HEAD, OPTIONS"),
        ("PUT", "/v2/models/linear", "GET, HEAD, OPTIONS"),
        ("GET", "/v2/models/linear/infer", "POST, OPTIONS"),
        ("HEAD", "/v2/models/linear/infer", "POST, OPTIONS"),
        ("TRACE", "/v2/models/linear/ready", "GET, HEAD, OPTIONS"),
    ],
)
async def test_another_method_is_told_which_there_are(
    door: Door, method: str, path: str, allow: str
) -> None:
    answer = await door.ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    options = await door.ask("OPTIONS", path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allow, b"")
    assert "access-control-allow-origin" not in options.headers


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/",
        "/v2/health",
        "/v2/models/linear/",
        "/v2/models/linear/x",
        "/v2/models/linear/versions",
        "/v2/models/linear/infer/x",
        "/v2/models/../health/live",
    ],
)
async def test_nothing_is_anywhere_else(door: Door, path: str) -> None:
    answer = await door.ask("GET", path, extensions={"target": path.encode()})
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"[]", 400, "not a JSON object"),
        (b'{"inputs": 3}', 400, "list of objects"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b'{"inputs": [], "inputs": []}', 400, "twice"),
        (json.dumps(body()).replace("1.0", "NaN", 1).encode(), 400, "NaN"),
        (json.dumps(body()).replace("1.0", "1e999", 1).encode(), 400, "1e999"),
        (json.dumps(body(name="c")).encode(), 422, "no input 'c'"),
        (json.dumps(body(shape=[3])).encode(), 422, "input 'a' has 2 elements"),
        (json.dumps(body(shape=[1, 2])).encode(), 422, "input 'a' has the shape"),
        (json.dumps(body(datatype="BYTES")).encode(), 422, "input 'a' has the datatype BYTES"),
        (json.dumps(body(data=["x", "y"])).encode(), 422, "of input 'a'"),
        (json.dumps(body(data=[1.0], shape=[1])).encode(), 422, "rows"),
        (json.dumps({"inputs": body()["inputs"][:1]}).encode(), 422, "input 'b' is missing"),
    ],
)
async def test_a_wrong_body_is_refused_and_the_reason_names_the_input(
    door: Door, content: bytes, status: int, words: str
) -> None:
    answer = await door.ask("POST", "/v2/models/linear/infer", content=content)
    assert answer.status_code == status
    assert words in answer.json()["error"]


async def test_a_body_over_the_limit_is_refused_and_the_refusal_is_heard(door: Door) -> None:
    content = b" " * (MAX_BODY_BYTES + 1)
    answer = await door.ask("POST", "/v2/models/linear/infer", content=content)
    assert answer.status_code == 413
    assert f"{MAX_BODY_BYTES:,} bytes" in answer.json()["error"]

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1_000_000

    chunked = await door.ask("POST", "/v2/models/linear/infer", content=pieces())
    assert chunked.status_code == 413
    enough = await door.ask("POST", "/v2/models/linear/infer", content=b" " * MAX_BODY_BYTES)
    assert enough.status_code == 400  # it is read, and is no JSON


async def test_a_huge_body_is_refused_by_its_announced_length(door: Door) -> None:
    head = (
        f"POST /v2/models/linear/infer HTTP/1.1\r\nhost: localhost\r\nx-api-key: {door.first.key}"
        "\r\ncontent-length: 2000000000\r\n\r\n"
    )
    received = await asyncio.to_thread(door.raw, head.encode())
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received


@pytest.mark.parametrize(
    "header",
    [("content-encoding", "gzip"), ("inference-header-content-length", "10")],
)
async def test_other_forms_of_a_body_are_refused(door: Door, header: tuple[str, str]) -> None:
    headers = {"x-api-key": str(door.first.key), header[0]: header[1]}
    answer = await door.ask("POST", "/v2/models/linear/infer", content=b"x" * 100, headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("twice", ["host: localhost", "x-api-key: K", "authorization: Bearer K"])
async def test_a_header_that_decides_is_taken_once_only(door: Door, twice: str) -> None:
    request = f"GET /v2/models/linear HTTP/1.1\r\nhost: localhost\r\n{twice}\r\n{twice}\r\n\r\n"
    received = await asyncio.to_thread(door.raw, request.encode(), 1)
    assert received.startswith(b"HTTP/1.1 400 ")


async def test_a_head_without_end_is_cut_off(door: Door) -> None:
    def flood() -> int:
        with socket.create_connection(door.address, timeout=60) as connection:
            connection.sendall(b"GET /v2 HTTP/1.1\r\nhost: localhost\r\nx-long: ")
            sent = 0
            try:
                while sent < 64_000_000:
                    sent += connection.send(b"a" * 65536)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return sent

    assert await asyncio.to_thread(flood) < 32_000_000


async def test_a_hundred_questions_at_once_get_each_its_own_answer(door: Door) -> None:
    async def ask(number: int) -> None:
        answer = await door.ask(
            "POST",
            "/v2/models/linear/infer",
            json={"id": str(number)} | body(data=[number, -number]),
        )
        content = answer.json()
        assert content["id"] == str(number)
        expected = [3.0 * number + 1, -3.0 * number + 1]
        assert content["outputs"][0]["data"] == pytest.approx(expected, abs=1e-2)

    await asyncio.gather(*(ask(number) for number in range(100)))


async def test_no_key_is_ever_in_a_log(door: Door) -> None:
    for path in ("/v2/models/linear", f"/v2/models/linear?key={door.first.key}", "/x"):
        await door.ask("GET", path)
    await asyncio.to_thread(door.raw, f"GET /{door.first.key} junk\r\n\r\n".encode(), 1)
    logs = [path for path in door.data.rglob("*.log") if path.is_file()]
    assert logs
    for path in logs:
        assert str(door.first.key).encode() not in path.read_bytes()
