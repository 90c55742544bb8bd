"""A control plane whose jobs do what a test says, answering the real client over loopback HTTP."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.errors import AimassError, NotFound
from aimass_jupyter.contract.ids import new_id
from aimass_jupyter.contract.job_course import JobUpdate, Series
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.runs import Run
from aimass_jupyter.contract.system import Identity
from aimass_jupyter.contract.table import API_ROOT
from aimass_server.access.policy import RIGHTS
from tests.widgets.one_page import CHROMIUM, Opener

STARTED = datetime(2025, 1, 5, 10, 0, tzinfo=UTC)

Answer = Callable[[dict[str, Any]], Any]


def make_job(**fields: Any) -> Job:
    """A running job on digits."""
    known: dict[str, Any] = {
        "id": "job_01JGTT9P8QK3V5X7Z9B1D3F5H7",
        "name": "digits",
        "owner": "ada",
        "tenant": "default",
        "state": "running",
        "engine": "horovod",
        "np": 2,
        "dataset": "digits@1",
        "algorithm": "classification",
        "params": {"epochs": 10},
        "seed": 0,
        "created_at": STARTED,
        "started_at": STARTED,
    }
    return Job(**known | fields)


def make_series(tag: str, values: list[float | None], first: int = 0) -> Series:
    """A curve with a point at every step."""
    steps = list(range(first, first + len(values)))
    return Series(tag=tag, steps=steps, times=[1.7e9 + step for step in steps], values=values)


class ScriptedControlPlane:
    """Answers what a test put in: updates of one job in their order, and whole operations."""

    def __init__(self) -> None:
        self.news: list[tuple[Job, list[Series], str]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.may = [*RIGHTS["author"]]
        self.answers: dict[str, Answer] = {
            "GET attach": self._attach,
            "GET whoami": lambda _: Identity(
                user="ada", role="author", tenant="default", permissions=self.may
            ),
            "GET runs": lambda _: Page[Run](items=[]),
            "GET endpoints": lambda _: Page[Endpoint](items=[]),
        }
        self.token = new_id("tok")
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def tell(self, job: Job, *series: Series, log: str = "") -> None:
        """Let something happen to the job."""
        with self._changed:
            self.news.append((job, list(series), log))
            self._changed.notify_all()

    def client(self) -> Client:
        return Client(Address(f"http://127.0.0.1:{self._port}", self.token))

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = False
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _attach(self, request: dict[str, Any]) -> JobUpdate:
        if not self.news:
            raise NotFound(f"there is no job '{request['path'][-2]}'", "see: %aimass jobs")
        at = int(request.get("cursor") or 0)
        with self._changed:
            # Shorter than a real server waits, so that stopping one takes no time.
            self._changed.wait_for(
                lambda: len(self.news) > at, min(0.3, float(request.get("wait_seconds", 0)))
            )
            new, job = self.news[at:], self.news[-1][0]
        series = [one for _, many, _ in new for one in many]
        log = "".join(text for _, _, text in new)
        cursor = str(at + len(new))
        return JobUpdate(job=job, series=series, log=log, cursor=cursor, end=job.final)

    def answer(self, method: str, path: list[str], fields: dict[str, Any]) -> tuple[int, str]:
        """The status and body of one request; answers are found by method and last word."""
        verb = f"{method} {path[-1]}"
        self.asked.append((verb, fields))
        try:
            found = self.answers[verb](fields | {"path": path})
        except AimassError as error:
            return error.status, json.dumps(error.problem())
        return 200, found if isinstance(found, str) else found.model_dump_json()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        plane = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # an idle connection must not keep a stopped server waiting for ever

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
                self._reply({name: values[0] for name, values in query.items()})

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self._reply(json.loads(self.rfile.read(length) or "{}"))

            def _reply(self, fields: dict[str, Any]) -> None:
                assert self.headers["Authorization"] == f"Bearer {plane.token}"
                path = urlsplit(self.path).path.removeprefix(API_ROOT + "/")
                words = [unquote(word) for word in path.split("/")]
                status, body = plane.answer(self.command, words, fields)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Nothing on the screen."""

        return Handler


@pytest.fixture
def control_plane() -> Iterator[ScriptedControlPlane]:
    plane = ScriptedControlPlane()
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def node() -> str:
    """The Node that set-up made sure of."""
    beside = Path(__file__).parents[2] / ".venv" / "bin" / "node"
    found = shutil.which("node") or (str(beside) if beside.exists() else None)
    assert found, "no Node: run `make setup`"
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)  # on a busy machine a page draws late
    quiet = ["--disable-gpu", "--disable-background-networking", "--no-first-run", "--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def open_widget(browser: Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
