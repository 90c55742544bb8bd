"""What breaks, broken on purpose: the endpoint answers again, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from aimass_jupyter.contract.endpoints import Endpoint, EndpointList, EndpointRef
from aimass_jupyter.contract.errors import Expired, Unavailable
from aimass_jupyter.host import read_record
from aimass_server.serving import fleet
from aimass_server.serving.deployment import Pulse
from aimass_server.serving.gateway.protocol import READ_SECONDS
from aimass_server.serving.gateway.replica import Replica
from aimass_server.store import Store, endpoints

if TYPE_CHECKING:
    from tests.serving.conftest import House

pytestmark = [pytest.mark.anyio, pytest.mark.faults]

Linear = Callable[[float], str]
TABLE = '{"generation": 9, "routes": %s}'
BODY = {
    "inputs": [
        {"name": "a", "datatype": "FP64", "shape": [1], "data": [1.0]},
        {"name": "b", "datatype": "FP64", "shape": [1], "data": [0.0]},
    ]
}


async def ask(http: httpx.AsyncClient, endpoint: Endpoint, **options: Any) -> httpx.Response:
    headers = {"x-api-key": str(endpoint.key)}
    return await http.post(f"{endpoint.url}/infer", json=BODY, headers=headers, **options)


async def until_answered(
    http: httpx.AsyncClient, endpoint: Endpoint, seconds: float = 90
) -> list[httpx.Response]:
    """Ask until the answer is right; what was answered on the way."""
    before: list[httpx.Response] = []
    async with asyncio.timeout(seconds):
        while True:
            answer = await ask(http, endpoint)
            if answer.status_code == 200:
                assert answer.json()["outputs"][0]["data"] == pytest.approx([4.0], abs=1e-3)
                return before
            before.append(answer)
            await asyncio.sleep(0.1)


async def until_listening(http: httpx.AsyncClient, endpoint: Endpoint) -> None:
    """Wait for a gateway that is being started, where it was before."""
    live = f"{endpoint.url.partition('/v2/')[0]}/v2/health/live"
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.ConnectError):
                assert (await http.get(live)).status_code == 200
                return
            await asyncio.sleep(0.1)


async def until_state(house: House, endpoint: Endpoint, state: str, seconds: float = 60) -> str:
    """Wait for a state; the message that came with it."""
    async with asyncio.timeout(seconds):
        while True:
            shown = await house.serving.show(house.author, EndpointRef(endpoint=endpoint.id))
            if shown.state == state:
                return shown.message
            await asyncio.sleep(0.02)


async def test_a_killed_replica_is_missed_at_once_and_soon_back(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    (killed,) = house.replicas
    os.kill(killed, signal.SIGKILL)
    missed = await until_answered(http, endpoint)
    assert missed, "nobody noticed"
    for answer in missed:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.elapsed.total_seconds() < 10, "it waited for the dead one"
        assert "linear@1" in answer.json()["error"]
    assert house.replicas != [killed]
    assert await until_state(house, endpoint, "ready") == ""


async def test_a_killed_supervisor_leaves_no_second_replica(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    (orphan,) = house.replicas
    (record,) = (house.data / "endpoints").glob("*/*/*/started.json")
    supervisor = (read_record(record) or {})["identity"]["pid"]
    os.kill(supervisor, signal.SIGKILL)
    await house.until(lambda: orphan not in house.replicas and len(house.replicas) == 1)
    await until_answered(http, endpoint)


async def test_the_gateway_comes_back_on_its_port(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    (killed,) = house.gateways
    os.kill(killed, signal.SIGKILL)
    await house.until(lambda: bool(house.gateways) and house.gateways != [killed])
    await until_listening(http, endpoint)
    await until_answered(http, endpoint)
    assert house.serving.gateway_url == endpoint.url.partition("/v2/")[0]


async def test_endpoints_answer_while_the_control_plane_is_away_and_are_adopted(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    before = house.processes()
    over, answered = asyncio.Event(), []

    async def keep_asking() -> None:
        while not over.is_set():
            answered.append((await ask(http, endpoint)).status_code)

    asking = asyncio.create_task(keep_asking())
    await house.until(lambda: len(answered) > 5)
    await house.reopen()
    await house.until(lambda: house.serving.gateway_url is not None)
    adopted = len(answered)
    await house.until(lambda: len(answered) > adopted + 20)
    over.set()
    await asking
    assert set(answered) == {200}
    assert house.processes() == before
    assert await until_state(house, endpoint, "ready") == ""


async def test_what_died_while_the_control_plane_was_away_is_started_again(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    await house.stop_programs()
    assert house.processes() == []
    await house.reopen()
    await house.until(lambda: len(house.gateways) == 1)
    await house.until(lambda: len(house.replicas) == 1)
    assert house.serving.gateway_url == endpoint.url.partition("/v2/")[0]
    await until_listening(http, endpoint)
    await until_answered(http, endpoint)
    assert await until_state(house, endpoint, "ready") == ""


async def test_a_port_that_was_taken_meanwhile_is_said(
    house: House, linear: Linear, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = await house.deploy(linear(3.0))
    port = urlsplit(endpoint.url).port
    await house.stop_programs()
    taken = socket.create_server(("127.0.0.1", int(port or 0)))
    with closing(taken), caplog.at_level(logging.WARNING):
        await house.reopen()
        await house.until(lambda: not endpoint.url.startswith(str(house.serving.gateway_url)))
        (moved,) = (await house.serving.list(house.author, EndpointList())).items
        assert urlsplit(moved.url).port != port
        await until_answered(http, moved.model_copy(update={"key": endpoint.key}))
        await house.until(lambda: f"port {port} is taken by another program" in caplog.text)


async def test_a_record_of_the_gateway_that_cannot_be_read_does_not_end_the_looking(
    house: House, linear: Linear, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = await house.deploy(linear(3.0))
    address = house.data / "gateway" / "address.json"
    whole = address.read_bytes()
    address.write_text("{")
    os.kill(house.gateways[0], signal.SIGKILL)
    await house.until(lambda: "looking after the gateway failed" in caplog.text)
    address.write_bytes(whole)
    await until_listening(http, endpoint)
    await until_answered(http, endpoint)


async def test_a_record_of_a_replica_that_cannot_be_read_does_not_end_the_looking(
    house: House, linear: Linear, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = await house.deploy(linear(3.0))
    (started,) = (house.data / "endpoints").glob("*/*/*/started.json")
    whole = started.read_bytes()
    started.write_text("{")
    await house.until(lambda: "looking at endpoint 'linear' failed" in caplog.text)
    started.write_bytes(whole)
    os.kill(house.replicas[0], signal.SIGKILL)
    await until_answered(http, endpoint)


async def test_a_pulse_that_cannot_be_felt_does_not_end_the_feeling(
    house: House, linear: Linear, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    felt = []

    class OddPulse(Pulse):
        async def is_lost(self) -> bool:
            felt.append(self)
            raise ValueError("odd")

    monkeypatch.setattr(fleet, "Pulse", OddPulse)
    monkeypatch.setattr(fleet, "PULSE_EVERY_SECONDS", 0.05)
    await house.reopen()
    endpoint = await house.deploy(linear(3.0))
    await house.until(lambda: len(felt) > 2)
    assert f"feeling the pulse of {endpoint.id}-1.sock failed" in caplog.text


async def test_a_bundle_that_breaks_while_served_is_said_and_heals(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    path = house.blobs.path_of(house.shelf.models["linear"][0].digest)
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[:-100])
    os.kill(house.replicas[0], signal.SIGKILL)
    assert "'linear@1' did not start" in await until_state(house, endpoint, "failed")
    assert (await ask(http, endpoint)).status_code == 503
    assert (await http.get(f"{house.serving.gateway_url}/v2/health/live")).status_code == 200
    path.write_bytes(whole)
    await until_answered(http, endpoint)


async def test_a_stopped_replica_is_found_stuck_once_and_not_waited_for_again(
    house: House, linear: Linear
) -> None:
    await house.deploy(linear(3.0))
    (path,) = await asyncio.to_thread(lambda: list((house.sockets).glob("*.sock")))
    replica = Replica(path, "linear@1")
    (stopped,) = house.replicas
    assert await replica.is_ready(60)
    os.kill(stopped, signal.SIGSTOP)
    try:
        with pytest.raises(Expired, match=r"'linear@1' did not answer within 0\.5 s"):
            await replica.ask("ready", timeout_seconds=0.5)
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer at present"):
            await replica.ask("ready", timeout_seconds=30)
        assert time.monotonic() - began < 10, "it waited for the stuck one"
    finally:
        os.kill(stopped, signal.SIGCONT)
    async with asyncio.timeout(60):
        while True:
            if await replica.is_ready():
                break
            await asyncio.sleep(0.1)
    replica.close()


async def test_a_damaged_route_table_leaves_the_one_before_in_force(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    table = house.data / "gateway" / "routes.json"
    (log,) = (house.data / "gateway").glob("*/log/process.log")

    def refusals() -> int:
        return log.read_text().count("cannot be read, the table before it stays")

    def another_since(refused: int) -> bool:
        return refusals() > refused

    for damage in ("{", "[]", '{"generation": 9}', TABLE % "[]", TABLE % '{"x": {}}'):
        refused, damaged = refusals(), table.with_name("damaged.json")
        damaged.write_text(damage)
        damaged.replace(table)
        await house.until(partial(another_since, refused))
        assert (await ask(http, endpoint)).status_code == 200
    again = await house.serving.key(house.author, EndpointRef(endpoint=endpoint.id))
    assert (await ask(http, again)).status_code == 200


@pytest.mark.slow
async def test_a_client_that_reads_no_answer_is_let_go(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    parts = urlsplit(endpoint.url)
    rows = 100_000
    inputs = [{"name": n, "datatype": "FP64", "shape": [rows], "data": [1.5] * rows} for n in "ab"]
    content = json.dumps({"inputs": inputs}).encode()
    head = (
        f"POST {parts.path}/infer HTTP/1.1\r\nhost: localhost\r\nx-api-key: {endpoint.key}\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with closing(reader):
        reader.connect((str(parts.hostname), int(parts.port or 0)))
        asked = 6  # more than what the kernel holds for us
        sending = asyncio.create_task(
            asyncio.to_thread(reader.sendall, (head.encode() + content) * asked)
        )
        gateway, ours = psutil.Process(house.gateways[0]), reader.getsockname()
        await house.until(lambda: _is_connected(gateway, ours))
        await house.until(lambda: not _is_connected(gateway, ours), READ_SECONDS + 60)
        received = await asyncio.to_thread(_read_all, reader)
        await asyncio.gather(sending, return_exceptions=True)
    assert received.startswith(b"HTTP/1.1 200")
    assert received.count(b"HTTP/1.1 200") < asked
    assert (await ask(http, endpoint)).status_code == 200


def _is_connected(process: psutil.Process, address: tuple[str, int]) -> bool:
    """Whether a process holds its end of a connection."""
    return address in [found.raddr for found in process.net_connections("tcp4") if found.raddr]


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.slow
async def test_slow_clients_are_let_go_and_hold_up_nobody(
    house: House, linear: Linear, http: httpx.AsyncClient
) -> None:
    endpoint = await house.deploy(linear(3.0))
    parts = urlsplit(endpoint.url)
    address = (str(parts.hostname), int(parts.port or 0))
    slow = [socket.create_connection(address) for _ in range(300)]
    try:
        for connection in slow:
            connection.sendall(b"GET /v2 HTTP/1.1\r\nhost: local")
        assert (await ask(http, endpoint)).status_code == 200
        slow[-1].setblocking(False)
        with pytest.raises(BlockingIOError):  # it was answered while these were open still
            slow[-1].recv(1)
        for connection in slow:
            connection.settimeout(60)
            assert await asyncio.to_thread(connection.recv, 1) == b""
    finally:
        for connection in slow:
            connection.close()


async def test_a_hung_replica_is_replaced(
    house: House, linear: Linear, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await house.deploy(linear(3.0))
    (hung,) = house.replicas
    os.kill(hung, signal.SIGSTOP)
    with monkeypatch.context() as impatient:  # with this one: another may take its time
        impatient.setattr("aimass_server.serving.deployment.PULSE_SECONDS", 0.3)
        impatient.setattr("aimass_server.serving.fleet.PULSE_EVERY_SECONDS", 0.2)
        await house.until(lambda: hung not in house.replicas)
    await until_answered(http, endpoint)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4])
async def test_a_control_plane_killed_while_it_deploys_leaves_all_or_nothing(
    house: House, linear: Linear, http: httpx.AsyncClient, delay: float
) -> None:
    linear(3.0)
    bundle = house.blobs.path_of(house.shelf.models["linear"][0].digest)
    await house.serving.close()
    house.store.close()
    program = Path(__file__).with_name("deploying.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        str(house.data),
        str(bundle),
        "2",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    await asyncio.sleep(delay)
    process.kill()
    said = (await process.stdout.read()).decode().splitlines()
    await process.wait()
    house.store = Store(house.data / "aimass.db")
    house.store.open()
    await house.reopen()
    answered = [Endpoint.model_validate_json(line) for line in said]
    kept = await house.store.read(endpoints.every)
    assert len(kept) >= bool(answered)
    await house.until(lambda: len(house.replicas) == len(kept))
    folders = house.data / "endpoints"
    await house.until(lambda: len(list(folders.glob("*/*"))) == len(kept))
    for endpoint in answered[:1]:  # the only one with a key
        await until_listening(http, endpoint)
        await until_answered(http, endpoint)
        assert kept[0].deployment >= len(answered)
