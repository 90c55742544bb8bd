"""TensorBoard behind the login, over a job that was really trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websocket

from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import marked_processes, read_record
from aimass_server.tracking.links import RunLinks
from tests.tracking.test_tracked import until

PATH = "/aimass/tensorboard"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asker(server: Any, trained: Job) -> Iterator[httpx.Client]:
    """A program with a token."""
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=server.url + PATH, headers=headers, timeout=90) as client:
        yield client


@pytest.fixture(scope="module")
def browser(server: Any, trained: Job) -> Iterator[httpx.Client]:
    """A person who logged in to Jupyter."""
    found = re.search(r"token=([0-9a-f]+)", server.log)
    assert found
    with httpx.Client(base_url=server.url + PATH, timeout=90) as client:
        client.get(f"{server.url}/login?token={found[1]}")
        assert client.cookies
        yield client


def loaded(asker: httpx.Client, run: str) -> bool:
    """Whether TensorBoard has read the curves of a run: it does so beside its answers."""
    tags = asker.get("/data/plugin/scalars/tags").json()
    return "loss/train" in tags.get(run, {})


def socket(url: str, **options: Any) -> websocket.WebSocket:
    return websocket.create_connection(url.replace("http", "ws", 1) + PATH + "/x", **options)


def test_it_shows_the_curves_of_a_job_under_the_jobs_name(
    asker: httpx.Client, trained: Job
) -> None:
    run = f"{trained.name}-{trained.id[-6:]}"
    until(lambda: loaded(asker, run))
    assert run in asker.get("/data/runs").json()
    scalars = asker.get("/data/plugin/scalars/scalars", params={"run": run, "tag": "loss/train"})
    assert len(scalars.json()) > 1


def test_a_missing_slash_is_added_and_the_page_may_be_framed_by_ours_alone(
    asker: httpx.Client,
) -> None:
    without = asker.get(str(asker.base_url).rstrip("/"))
    assert without.status_code == 302
    assert without.headers["Location"] == f"{PATH}/"
    page = asker.get("/")
    assert "<title>TensorBoard</title>" in page.text
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers.get_list("Content-Type") == ["text/html; charset=utf-8"]
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("path", ["", "/", "/data/runs", "/index.js"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_strangers_get_nothing(server: Any, method: str, path: str) -> None:
    answer = httpx.request(method, server.url + PATH + path, timeout=60)
    assert answer.status_code in (401, 403, 405)
    assert "TensorBoard</title>" not in answer.text


def test_a_browser_without_a_login_is_shown_the_way_in(server: Any) -> None:
    answer = httpx.get(server.url + PATH + "/", headers={"Accept": "text/html,*/*"}, timeout=60)
    assert answer.status_code in (401, 403)
    assert '<a href="/login' in answer.text


def test_a_logged_in_browser_reads_and_asks_as_tensorboards_page_does(
    server: Any, browser: httpx.Client
) -> None:
    assert browser.get("/").status_code == 200
    own = {"Origin": server.url, "Referer": f"{server.url}{PATH}/"}
    form = {"requests": (None, "[]")}
    assert browser.post("/data/plugin/timeseries/timeSeries", files=form, headers=own).json() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Host": "evil.test:8888"},
        {},  # neither an origin nor an XSRF token
    ],
)
def test_another_sites_page_asks_nothing_with_a_persons_cookie(
    browser: httpx.Client, headers: dict[str, str]
) -> None:
    form = {"requests": (None, "[]")}
    answer = browser.post("/data/plugin/timeseries/timeSeries", files=form, headers=headers)
    assert answer.status_code == 403


def test_websockets_are_checked_as_pages_are(server: Any, browser: httpx.Client) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    for options in (
        {"origin": server.url},
        {"origin": "http://evil.test", "cookie": cookie},
        {"origin": server.url, "cookie": cookie, "host": "evil.test"},
    ):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            socket(server.url, timeout=30, **options)
        assert refused.value.status_code in (401, 403)
    # TensorBoard itself has no websocket: who may ask is told so
    with pytest.raises(websocket.WebSocketBadStatusException) as answered:
        socket(server.url, timeout=30, origin=server.url, cookie=cookie)
    assert answered.value.status_code == 503


def test_it_is_adopted_after_a_crash_started_again_when_killed_and_ends_with_the_server(
    own_server: Any,
) -> None:
    def runs() -> str:
        headers = {"Authorization": f"Bearer {own_server.token}"}
        answer = httpx.get(f"{own_server.url}{PATH}/data/runs", headers=headers, timeout=90)
        return answer.text.strip()

    def address() -> str:
        record = read_record(own_server.folder / "tensorboard" / "default" / "tensorboard.json")
        assert record
        return str(record["address"])

    def processes() -> list[Any]:
        return list(
            marked_processes(
                "AIMASS_TENSORBOARD", str(own_server.folder / "tensorboard" / "default")
            )
        )

    assert runs() == "[]"
    before = address()
    own_server.kill()
    assert processes()
    own_server.start()
    assert runs() == "[]"
    assert address() == before
    own_server.stop()
    assert processes() == []
    assert list(own_server.folder.glob("tensorboard/*/program-*")) == []


@pytest.fixture
def links(tmp_path: Path) -> tuple[RunLinks, Callable[..., Path]]:
    def job(identity: str, name: str, *, started: bool = True) -> Path:
        folder = tmp_path / "jobs" / identity
        folder.mkdir(parents=True)
        (folder / "spec.json").write_text(f'{{"name": "{name}"}}')
        if started:
            (folder / "tb").mkdir()
        return folder

    return RunLinks(tmp_path, tmp_path / "links"), job


def test_links_follow_the_jobs(links: tuple[RunLinks, Callable[..., Path]]) -> None:
    runs, job = links
    runs.refresh(runs.found().values())
    first = job("job_0000AAAAAA", "digits")
    job("job_0000BBBBBB", "digits", started=False)
    job("job_0000CCCCCC", "../../etc")
    runs.refresh(runs.found().values())
    assert {link.name for link in runs.folder.iterdir()} == {"digits-AAAAAA", "job-CCCCCC"}
    assert (runs.folder / "digits-AAAAAA").resolve() == first / "tb"
    (first / "tb").rmdir()
    assert runs.found().keys() == {"job_0000CCCCCC"}
    runs.refresh(runs.found().values())
    assert {link.name for link in runs.folder.iterdir()} == {"job-CCCCCC"}
