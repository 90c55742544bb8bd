"""What dies comes back, what was half-done is undone, and nothing is left running."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.services import Service
from aimass_jupyter.host import (
    ProcessIdentity,
    is_alive,
    marked_processes,
    read_record,
    send_signal,
)

WriteNotebook = Callable[..., Path]
Processes = Callable[[Service], list[ProcessIdentity]]

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def eventually(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def answers(service: Service, text: str) -> bool:
    try:
        return text in httpx.get(service.url, follow_redirects=True, timeout=60).text
    except httpx.TransportError:
        return False


def identity(server: Any, service: Service, record: str) -> ProcessIdentity:
    """Of Voila (``listening.json``) or of its supervisor (``started.json``)."""
    versions = server.folder / "services" / service.id / "versions"
    (path,) = versions.glob(f"{service.version}/run-*/{record}")
    found = read_record(path)
    assert found is not None
    return ProcessIdentity.from_record(found["identity"])


def test_a_service_outlives_the_server_and_comes_back_when_it_is_killed(
    own_server: Any, notebook: WriteNotebook, processes: Processes
) -> None:
    with own_server.client() as client:
        service = client.services.publish(notebook=notebook("print(6 * 7)"), name="hardy")
    own_server.kill()
    assert answers(service, "42")
    own_server.start()
    voila = identity(own_server, service, "listening.json")
    with own_server.client() as client:
        time.sleep(2)  # the keeper has looked around by then
        assert client.services.show("hardy") == service
        assert is_alive(voila)

        token = own_server.folder / "services" / service.id / "versions" / "1" / "kernel.token"
        given = token.read_text()
        os.utime(token, (0, 0))
        eventually(lambda: token.read_text() != given)  # an old one is renewed before it expires

        send_signal(voila, signal.SIGKILL)
        eventually(lambda: answers(service, "42"))
        eventually(lambda: client.services.show("hardy").state == "ready")
        assert client.services.show("hardy").url == service.url

        voila = identity(own_server, service, "listening.json")
        send_signal(identity(own_server, service, "started.json"), signal.SIGKILL)
        eventually(lambda: not is_alive(voila))  # what a dead supervisor left is not kept
        eventually(lambda: answers(service, "42"))
        topics = [event.topic for event in client.events.list(limit=1000).items]
        assert topics.count("services.failed") == 2
        client.services.stop("hardy")
    assert processes(service) == []


def test_a_server_that_is_killed_while_it_publishes_leaves_the_old_version_alone(
    own_server: Any, notebook: WriteNotebook, processes: Processes
) -> None:
    with own_server.client() as client:
        old = client.services.publish(notebook=notebook("print('old')"), name="cut-off")
    slow = notebook("import time\ntime.sleep(50)")
    threads = [cut_off(own_server, slow, name) for name in ("cut-off", "new")]
    new = old.model_copy(update={"version": 2})
    eventually(lambda: len(processes(new)) >= 2)  # Voila, and the kernel of the probe
    with own_server.client() as client:
        eventually(lambda: "new" in [service.name for service in client.services.list().items])
    own_server.kill()
    for thread in threads:
        thread.join()
    assert answers(old, "old")
    own_server.start()
    with own_server.client() as client:
        eventually(lambda: client.services.show("new").state == "failed")
        assert "publish it again" in client.services.show("new").message
        assert client.services.show("cut-off") == old
        assert answers(old, "old")
        first = client.services.show("new").model_copy(update={"version": 1})
        assert processes(new) == []
        assert processes(first) == []
        folders = own_server.folder.glob("services/*/versions/*")
        assert [folder.name for folder in folders] == ["1"]
        again = client.services.publish(notebook=notebook("print('made it')"), name="new")
        assert answers(again, "made it")


def cut_off(server: Any, notebook: Path, name: str) -> threading.Thread:
    """Publish in the background and lose the answer."""

    def publish() -> None:
        here = Address(server.url, server.token)  # not where the next server will be
        with Client(here) as client, suppress(AimassError, httpx.TransportError):
            client.services.publish(notebook=notebook, name=name)

    thread = threading.Thread(target=publish)
    thread.start()
    return thread


def test_a_port_that_somebody_took_costs_the_address_and_nothing_else(
    own_server: Any, notebook: WriteNotebook
) -> None:
    with own_server.client() as client:
        service = client.services.publish(notebook=notebook("print(6 * 7)"), name="moved")
        client.services.stop("moved")
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", urlsplit(service.url).port))
            other.listen()
            moved = client.services.publish(notebook=notebook("print(6 * 7)"), name="moved")
        assert moved.url != service.url
        assert answers(moved, "42")


def test_stopping_everything_of_a_data_folder_leaves_no_process(
    own_server: Any, notebook: WriteNotebook
) -> None:
    with own_server.client() as client:
        service = client.services.publish(notebook=notebook("print(6 * 7)"), name="ended")
    assert answers(service, "42")  # and leaves a kernel behind
    own_server.stop_everything()
    name, value = "AIMASS_SERVICE_VERSION", f"{service.id}@1"
    assert list(marked_processes(name, value)) == []
