"""A real JupyterLab on a data folder of its own, and a real Chromium looking at it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from aimass_jupyter.client.discovery import owner
from aimass_jupyter.client.starting import stop_programs

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
START_SECONDS = 90.0
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path

    def address(self, path: str) -> str:
        return f"{self.url}lab/{path}?token={self.token}"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    base = tmp_path_factory.mktemp("lab")
    data, notebooks = base / "data", base / "notebooks"
    notebooks.mkdir()
    for name in ("quickstart.ipynb", "digits_dashboard.ipynb"):
        shutil.copy(ROOT / "notebooks" / name, notebooks)
    ask_for_no_news(base / "settings")
    process = start_lab(base, data, notebooks)
    try:
        yield wait_for_lab(process, base, data)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        stop_programs(data)


def ask_for_no_news(settings: Path) -> None:
    """Answer what Lab asks a new user, whether it may fetch news; nobody is there to do so."""
    path = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    path.parent.mkdir(parents=True)
    path.write_text('{"fetchNews": "false", "checkForUpdates": false}')


def start_lab(
    base: Path, data: Path, notebooks: Path, options: Sequence[str] = ("--ServerApp.port=0",)
) -> subprocess.Popen[bytes]:
    """Start JupyterLab, at a port that is free unless the options name one."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    environment = os.environ | {
        "AIMASS_DATA": str(data),
        "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
    }
    with (base / "lab.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.root_dir={notebooks}",
                *as_root,
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def wait_for_lab(process: subprocess.Popen[bytes], base: Path, data: Path) -> Lab:
    """Wait until it answers, and own the data folder."""
    record = base / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_SECONDS
    while owner(data) is None or not record.exists():
        assert process.poll() is None, (base / "lab.log").read_text()
        assert time.monotonic() < deadline, (base / "lab.log").read_text()
        time.sleep(0.1)
    facts = json.loads(record.read_text())
    return Lab(facts["url"], facts["token"], data)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for longer than a module: Playwright keeps a loop running in this thread."""
    wanted = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in wanted if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()
