"""Horovod's rendezvous, asked as Horovod asks it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from aimass_jupyter.launch.rendezvous import HOLD_SECONDS, Rendezvous

Ask = Callable[..., tuple[int, bytes]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Asks a rendezvous of three ranks on two hosts."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    rendezvous = Rendezvous(listener.detach(), {"one": 2, "two": 1})
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            rendezvous.serve_once()

    def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield ask
    ending.set()
    with socket.create_connection(("127.0.0.1", port)):  # it looks up, and sees that it is over
        thread.join()
    rendezvous.close()


def test_what_one_brings_another_gets(ask: Ask) -> None:
    content = bytes(range(256)) * 300
    assert ask("PUT", "/global/0", content)[0] == 200
    assert ask("GET", "/global/0") == (200, content)


def test_a_question_waits_for_its_answer(ask: Ask) -> None:
    def patiently() -> tuple[int, bytes]:
        """Ask again when it waited in vain, as Horovod does."""
        while (found := ask("GET", "/global/1"))[0] == 404:
            pass
        return found

    with ThreadPoolExecutor() as pool:
        early = pool.submit(patiently)
        time.sleep(0.1)
        assert not early.done()
        ask("PUT", "/global/1", b"here")
        assert early.result(60) == (200, b"here")


def test_what_nobody_brings_is_not_found_after_a_while(ask: Ask) -> None:
    began = time.monotonic()
    assert ask("GET", "/global/nobody")[0] == 404
    assert time.monotonic() - began >= HOLD_SECONDS * 0.9


@pytest.mark.parametrize(("scope", "ranks"), [("global", 3), ("local_one", 2), ("cross_0", 2)])
def test_a_scope_is_forgotten_when_all_of_it_are_done(ask: Ask, scope: str, ranks: int) -> None:
    ask("PUT", f"/{scope}/0", b"old")
    for rank in range(ranks - 1):
        ask("DELETE", f"/{scope}/{rank}")
    assert ask("GET", f"/{scope}/0") == (200, b"old")
    ask("DELETE", f"/{scope}/{ranks - 1}")
    assert ask("GET", f"/{scope}/0")[0] == 404


def test_a_scope_of_ranks_own_loses_a_key_at_a_time(ask: Ask) -> None:
    ask("PUT", "/mine/a", b"1")
    ask("PUT", "/mine/b", b"2")
    ask("DELETE", "/mine/a")
    assert ask("GET", "/mine/b") == (200, b"2")
    assert ask("GET", "/mine/a")[0] == 404


@pytest.mark.parametrize("path", ["/", "/scope", "/a/b/c"])
def test_what_is_no_key_is_refused(ask: Ask, path: str) -> None:
    assert ask("GET", path)[0] == 400
