"""Opens a published page as a viewer does, to see that it works and that it is closed to others.

It speaks HTTP and the kernel's websocket and judges what comes back; it blocks and is run in a
thread. It starts and stops nothing but the kernel of its own visit.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

import httpx
import websocket

from aimass_jupyter.contract.errors import Expired, Failed, TooLarge
from aimass_jupyter.contract.ids import ulid
from aimass_server.publishing.notebook import FrozenNotebook

PAGE_SECONDS = 60.0
PAGE_BYTES = 128 << 20
SOCKET_SECONDS = 30.0
_REQUEST_SECONDS = 30.0
_KERNEL = re.compile(r'"kernelId": "([0-9a-f-]{36})"')
_CELL = re.compile(r'<div cell-index="(\d+)">')
_BROKEN = "An exception occurred at the server"
_MEND = "mend it, run the notebook once from the top, publish it again"
_INSECURE = (
    "this is a fault of the installation: check that Voila is of a version that is supported"
)


@dataclass(frozen=True)
class Visit:
    """What a viewer got."""

    client: httpx.Client
    page: str
    kernel: str


def probe(port: int, token: str, notebook: FrozenNotebook) -> None:
    """Visit a page and try its locks.

    Raises
    ------
    Failed
        When a cell failed, or the page is open to people whom it should keep out.
    Expired
        When the page was not complete in time.
    TooLarge
        When it is more than a browser should be sent.
    """
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, trust_env=False, timeout=_REQUEST_SECONDS) as client:
        _see_that_strangers_stay_out(client)
        visit = _open(client, token, notebook)
        try:
            _see_that_it_is_complete(visit.page, notebook)
            _see_that_source_stays_hidden(visit.page, notebook)
            _see_that_the_socket_is_closed(visit, port)
        finally:
            _leave(visit)


def _see_that_strangers_stay_out(client: httpx.Client) -> None:
    answer = client.get("/")
    login = answer.is_redirect and "/login" in answer.headers.get("Location", "")
    if not login and answer.status_code not in (401, 403):
        raise Failed("the page opens without its token", _INSECURE)


def _open(client: httpx.Client, token: str, notebook: FrozenNotebook) -> Visit:
    """Load the page to its end."""
    deadline, pieces, size = time.monotonic() + PAGE_SECONDS, list[str](), 0
    with client.stream(
        "GET", "/", params={"token": token}, timeout=PAGE_SECONDS, follow_redirects=True
    ) as answer:
        for piece in answer.iter_text():
            pieces.append(piece)
            size += len(piece)
            if _BROKEN in piece:  # each cell that follows would take a second to fail, too
                break
            if size > PAGE_BYTES:
                raise TooLarge(
                    f"the page is larger than {PAGE_BYTES} bytes",
                    "show less: a sample of the rows, smaller images",
                )
            if time.monotonic() > deadline:
                running = _running("".join(pieces), notebook)
                raise Expired(
                    f"{running} did not end within {PAGE_SECONDS:.0f} s",
                    "viewers would wait as long: make it faster, or prepare its result in a job",
                )
    if answer.status_code != 200:
        raise Failed(f"the page answers {answer.status_code} {answer.reason_phrase}", _MEND)
    page = "".join(pieces)
    found = _KERNEL.search(page)
    return Visit(client, page, found[1] if found else "")


def _running(page: str, notebook: FrozenNotebook) -> str:
    """The cell after the last one that the page shows."""
    shown = [int(index) for index in _CELL.findall(page)]
    return f"cell {notebook.number_of(max(shown, default=0))}"


def _see_that_it_is_complete(page: str, notebook: FrozenNotebook) -> None:
    for index, cell in zip(_CELL.findall(page), _CELL.split(page)[2::2], strict=True):
        if _BROKEN in cell:
            number = notebook.number_of(int(index) - 1)
            raise Failed(f"cell {number} failed: its kernel died", _MEND)
    if notebook.end_mark not in page:
        raise Failed("the page breaks off before its last cell", _MEND)


def _see_that_source_stays_hidden(page: str, notebook: FrozenNotebook) -> None:
    if notebook.source_mark in page:
        raise Failed("the page shows the source of the notebook", _INSECURE)


def _see_that_the_socket_is_closed(visit: Visit, port: int) -> None:
    """A viewer's socket moves widgets and runs no code; others get none."""
    url = f"ws://127.0.0.1:{port}/api/kernels/{visit.kernel}/channels?session_id={ulid()}"
    own = f"http://127.0.0.1:{port}"
    cookie = "; ".join(f"{name}={value}" for name, value in visit.client.cookies.items())
    for cookies, origin in ((None, own), (cookie, "http://elsewhere.test")):
        try:
            socket = websocket.create_connection(
                url, timeout=SOCKET_SECONDS, cookie=cookies, origin=origin
            )
        except websocket.WebSocketBadStatusException:
            continue
        socket.close()
        raise Failed("the kernel's websocket opens to strangers", _INSECURE)
    socket = websocket.create_connection(url, timeout=SOCKET_SECONDS, cookie=cookie, origin=own)
    try:
        _see_that_code_is_refused(socket)
    finally:
        socket.close()


def _see_that_code_is_refused(socket: websocket.WebSocket) -> None:
    """Ask for code to be run, then for something harmless: only the latter may be answered."""
    code = _message("execute_request", {"code": "print('aimass')", "silent": False})
    harmless = _message("kernel_info_request", {})
    for message in (code, harmless):
        socket.send(json.dumps(message))
    deadline = time.monotonic() + SOCKET_SECONDS
    while time.monotonic() < deadline:
        answer = json.loads(socket.recv())
        parent = answer["parent_header"].get("msg_id")
        if parent == code["header"]["msg_id"]:
            raise Failed("a viewer of the page can run code in its kernel", _INSECURE)
        if parent == harmless["header"]["msg_id"] and answer["msg_type"] == "kernel_info_reply":
            return
    raise Expired("the kernel of the page does not answer", _MEND)


def _message(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    header = {
        "msg_id": ulid(),
        "msg_type": kind,
        "session": "probe",
        "username": "",
        "version": "5.3",
    }
    return {
        "header": header, "parent_header": {}, "metadata": {}, "content": content,
        "buffers": [], "channel": "shell",
    }  # fmt: skip


def _leave(visit: Visit) -> None:
    """End the kernel of this visit, as a browser does that closes the page."""
    if visit.kernel:
        visit.client.post(f"/voila/api/shutdown/{visit.kernel}")
