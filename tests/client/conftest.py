"""A server of another time: it answers what a test wrote down, over real HTTP."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.table import API_ROOT


@dataclass
class Script:
    """What is answered at each path: status and body, one after the other, the last for ever."""

    url: str = ""
    answers: defaultdict[str, list[tuple[int, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def client(self) -> Client:
        return Client(Address(self.url, "token"))

    def next(self, path: str) -> tuple[int, str]:
        answers = self.answers[path.partition("?")[0].removeprefix(API_ROOT)]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def script() -> Iterator[Script]:
    """The script of a server that answers on loopback."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = script.next(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing among the tests' own lines."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        script.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield script
        http.shutdown()
        thread.join()
