"""What a viewer, and a stranger, can do with a published page: look, and nothing else."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import websocket

from aimass_jupyter.client import Client
from aimass_jupyter.contract.ids import ulid
from aimass_jupyter.contract.services import Service
from aimass_jupyter.host import ProcessIdentity

WriteNotebook = Callable[..., Path]
Processes = Callable[[Service], list[ProcessIdentity]]

SOURCE = "only_in_the_source"
FAILING = "an error that only its author may see"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(client: Client, notebook: WriteNotebook) -> Iterator[Service]:
    """A page with a cell that fails from its second viewer on."""
    made = notebook(
        f"{SOURCE} = 6 * 7\nprint('the answer is', {SOURCE})",
        "from pathlib import Path\n"
        "seen = Path('seen')\n"
        "if seen.exists() and Path('fail').exists():\n"
        f"    raise RuntimeError('{FAILING}')\n"
        "seen.touch()",
    )
    published = client.services.publish(notebook=made, name="looked-at")
    yield published
    client.services.stop("looked-at")


@dataclass
class Visit:
    """A browser that has opened the page: its cookies, what it shows, its kernel."""

    browser: httpx.Client
    answer: httpx.Response

    @property
    def kernel(self) -> str:
        found = re.search(r'"kernelId": "([0-9a-f-]+)"', self.answer.text)
        assert found
        return found[1]

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())

    def leave(self) -> httpx.Response:
        return self.browser.post(f"/voila/api/shutdown/{self.kernel}")


@contextmanager
def visiting(service: Service) -> Iterator[Visit]:
    with httpx.Client(base_url=origin(service), timeout=60, follow_redirects=True) as browser:
        answer = browser.get(service.url)
        assert answer.status_code == 200, answer.reason_phrase
        visit = Visit(browser, answer)
        yield visit
        visit.leave()


@pytest.fixture(scope="module")
def visit(service: Service) -> Iterator[Visit]:
    with visiting(service) as visit:
        yield visit


def origin(service: Service) -> str:
    parts = urlsplit(service.url)
    return f"{parts.scheme}://{parts.netloc}"


def token(service: Service) -> str:
    return service.url.partition("token=")[2]


def socket(service: Service, kernel_id: str, **options: Any) -> websocket.WebSocket:
    address = f"{origin(service).replace('http', 'ws')}/api/kernels/{kernel_id}/channels"
    return websocket.create_connection(f"{address}?session_id={ulid()}", timeout=60, **options)


def test_the_page_shows_results_and_no_source(visit: Visit, service: Service) -> None:
    answer = visit.answer
    assert "the answer is 42" in answer.text
    assert SOURCE not in answer.text
    assert token(service) not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/login?next=%2F"])
def test_strangers_read_how_to_get_in(service: Service, path: str) -> None:
    answer = httpx.get(origin(service) + path, follow_redirects=True, timeout=60)
    assert answer.status_code == 403
    assert "Ask the person who published it" in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/kernels/{kernel}"),
        ("DELETE", "/api/kernels/{kernel}"),
        ("POST", "/voila/api/shutdown/{kernel}"),
        ("GET", "/voila/api/contents/"),
        ("POST", "/login?token={token}"),
        ("GET", "/api/identity"),
    ],
)
def test_strangers_get_nothing_by_the_side_doors(
    visit: Visit, service: Service, method: str, path: str
) -> None:
    address = origin(service) + path.format(kernel=visit.kernel, token="wrong")
    form = {"password": token(service), "new_password": "mine"}
    answer = httpx.request(method, address, data=form if "login" in path else None, timeout=60)
    assert answer.status_code in (302, 403, 404, 405)
    assert visit.browser.get(f"/api/kernels/{visit.kernel}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/notebook.ipynb",
        "/voila/files/kernel.token",
        "/voila/files/../secrets.json",
        "/voila/files/%2e%2e/secrets.json",
        "/voila/static/../../notebook.ipynb",
        "/voila/templates/lab/static/../../../../notebook.ipynb",
        "/notebook.ipynb",
        "/voila/render/notebook.ipynb",
        "/voila/tree",
        "/voila/api/contents/notebook.ipynb",
        "/files/notebook.ipynb",
    ],
)
def test_a_viewer_gets_no_file_of_the_service(visit: Visit, service: Service, path: str) -> None:
    answer = visit.browser.get(origin(service) + path)
    assert answer.status_code in (403, 404, 500)
    assert SOURCE not in answer.text
    assert token(service) not in answer.text


def test_a_foreign_host_header_is_refused(service: Service) -> None:
    answer = httpx.get(service.url, headers={"Host": "evil.test"}, timeout=60)
    assert answer.status_code == 403


def test_the_socket_opens_to_the_viewer_of_this_page_alone(visit: Visit, service: Service) -> None:
    own = origin(service)
    for options in (
        {"origin": own},
        {"origin": "http://evil.test", "cookie": visit.cookie},
        {"origin": own, "cookie": visit.cookie, "host": "evil.test"},
    ):
        with pytest.raises(websocket.WebSocketBadStatusException):
            socket(service, visit.kernel, **options)
    socket(service, visit.kernel, origin=own, cookie=visit.cookie).close()


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
@pytest.mark.parametrize(
    "kind",
    ["execute_request", "inspect_request", "complete_request", "history_request", "debug_request"],
)
def test_a_viewer_runs_no_code_on_any_channel(
    visit: Visit, service: Service, channel: str, kind: str, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w')"
    opened = socket(service, visit.kernel, origin=origin(service), cookie=visit.cookie)
    content = {"code": code, "silent": False, "cursor_pos": 0, "detail_level": 1}
    asked = send(opened, kind, content, channel)
    harmless = send(opened, "kernel_info_request", {}, "shell")
    parents = set()
    deadline = time.monotonic() + 60
    while harmless not in parents and time.monotonic() < deadline:
        parents.add(json.loads(opened.recv())["parent_header"].get("msg_id"))
    opened.close()
    assert harmless in parents
    assert asked not in parents
    assert not canary.exists()


def send(opened: websocket.WebSocket, kind: str, content: dict[str, Any], channel: str) -> str:
    header = {"msg_id": ulid(), "msg_type": kind, "session": "s", "username": "", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    opened.send(json.dumps(message | {"buffers": [], "channel": channel}))
    return header["msg_id"]


def test_a_page_that_is_closed_takes_its_kernel_along(service: Service) -> None:
    with visiting(service) as visit:
        assert visit.leave().status_code == 204
        assert visit.browser.get(f"/api/kernels/{visit.kernel}").status_code == 404


def test_a_viewer_of_a_page_that_fails_reads_a_sentence_and_no_traceback(
    server: Any, service: Service
) -> None:
    folder = server.folder / "services" / service.id / "versions" / str(service.version)
    (folder / "fail").touch()
    with visiting(service) as visit:
        (folder / "fail").unlink()
        text = visit.answer.text
    assert "tell the person who published it" in text
    assert FAILING not in text
    assert "Traceback" not in text
    assert "show_tracebacks" not in text


def test_the_token_is_in_no_log_no_command_line_and_no_environment(
    server: Any, visit: Visit, service: Service, processes: Processes
) -> None:
    visit.browser.get(f"/voila/files/x?token={token(service)}")
    httpx.get(f"{origin(service)}/nowhere?token={token(service)}&x=1", timeout=60)
    secret = token(service).encode()
    folder = server.folder / "services" / service.id
    for log in folder.rglob("log/*"):
        assert secret not in log.read_bytes()
    found = processes(service)
    assert len(found) >= 2  # Voila and a kernel
    for process in found:
        for name in ("cmdline", "environ"):
            assert secret not in told_of(process, name)
    holding = [path for path in folder.rglob("*") if holds(path, secret)]
    assert {path.name for path in holding} == {"secrets.json", "settings.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in holding)


def told_of(process: ProcessIdentity, name: str) -> bytes:
    """What the machine tells everybody of a process; nothing once it has ended."""
    try:
        return Path(f"/proc/{process.pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # the kernel of a page that was closed
        return b""


def holds(path: Path, secret: bytes) -> bool:
    try:
        return path.is_file() and secret in path.read_bytes()
    except FileNotFoundError:  # of a kernel that has just ended
        return False
