"""What a person does in a JupyterLab with the extension: opens the panel, clicks, types, looks."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from sklearn.datasets import load_iris

from aimass_jupyter.client import Client
from aimass_jupyter.client.client import connect
from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.contract.jobs import Job
from tests.browser.lab_server import (
    ROOT,
    SCREENSHOTS,
    Lab,
    ask_for_no_news,
    start_lab,
    wait_for_lab,
)

MINUTE_MS = 60_000
#: As behind a hub: every path of the server begins with it.
BASE_URL = "/user/ada/"
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
CONTRAST = "JupyterLab Dark High Contrast"


def free_port() -> int:
    """A port that stays free while nobody listens: the kernel gives such low ones to nobody."""
    while True:
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port := random.randrange(20_000, 32_000)))
            return port


class MortalLab:
    """A JupyterLab that can be killed, and comes back at the same address with the same data."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.notebooks = base / "notebooks"
        self.notebooks.mkdir()
        ask_for_no_news(base / "settings")
        self._token = secrets.token_hex(16)
        self._port = free_port()
        self.start()

    def start(self) -> None:
        """Start it, where it was before."""
        options = (
            f"--ServerApp.port={self._port}",
            f"--ServerApp.base_url={BASE_URL}",
            f"--IdentityProvider.token={self._token}",
            "--LabApp.expose_app_in_browser=True",
        )
        data = self.base / "data"
        self._process = start_lab(self.base, data, self.notebooks, options)
        self.lab: Lab = wait_for_lab(self._process, self.base, data)

    def kill(self) -> None:
        """Kill it: nothing is tidied up."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Stop it and what it started."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        stop_programs(self.base / "data")

    def wait_until_kept(self, *pages: str) -> None:
        """Wait until the layout that Lab has kept has these pages: it keeps it after a while."""
        deadline = time.monotonic() + MINUTE_MS / 1000
        while not all(f"aimass-page-{page}" in self._kept_layout() for page in pages):
            assert time.monotonic() < deadline, self._kept_layout()
            time.sleep(0.1)

    def _kept_layout(self) -> str:
        for path in (self.base / "workspaces").iterdir():
            with suppress(ValueError, KeyError):  # half written, or nothing in it yet
                return json.dumps(json.loads(path.read_text())["data"]["layout-restorer:data"])
        return ""

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client of its control plane."""
        client = connect(self.lab.url, self._token)
        yield client
        client.close()


def open_panel(page: Page) -> Locator:
    """The panel, shown and connected."""
    panel = page.get_by_test_id("aimass-panel")
    page.get_by_role("tab", name="AI Mass").wait_for()
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    if not panel.is_visible():
        page.get_by_role("tab", name="AI Mass").click()
    expect(panel.get_by_test_id("aimass-header")).to_have_attribute("data-state", "live")
    return panel


def write_notebook(path: Path, *cells: str) -> None:
    """Write a notebook of code cells."""
    plain: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "cells": [
            {**plain, "id": f"cell-{index}", "execution_count": None, "source": source}
            for index, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": kernel},
    }
    path.write_text(json.dumps(notebook))


def flowers() -> str:
    """Three columns of the irises as CSV: two lengths and the kind to learn."""
    iris = load_iris()
    rows = zip(iris.data, iris.target, strict=True)
    lines = [f"{values[0]},{values[2]},{iris.target_names[kind]}" for values, kind in rows]
    return "\n".join(["sepal,petal,species", *lines, ""])


def drop(page: Page, name: str, text: str) -> None:
    """Drop a file on the datasets, as a file manager does."""
    carried = page.evaluate_handle(
        """([name, text]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([text], name, {type: "text/csv"}));
            return carried;
        }""",
        [name, text],
    )
    page.get_by_test_id("aimass-drop").dispatch_event("drop", {"dataTransfer": carried})


def accept(page: Page) -> Locator:
    """The button of a dialog that goes on."""
    return page.locator(".jp-Dialog-footer button.jp-mod-accept")


def show_in(page: Page, theme: str) -> None:
    """Show the page in a theme; nothing of it is loaded again."""
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def faults(page: Page, where: str) -> list[str]:
    """What axe-core finds that is serious, in a part of the page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        "where => axe.run(where, {resultTypes: ['violations']}).then(r => r.violations)", where
    )
    return [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def check(page: Page, view: str, *parts: str) -> None:
    """Look at a view in a light and a dark theme: nothing serious, and a picture of each."""
    for theme, name in ((DARK, "dark"), (LIGHT, "light")):
        show_in(page, theme)
        page.screenshot(path=SCREENSHOTS / f"{view}-{name}.png")
        for part in parts:
            assert faults(page, part) == [], f"{view} in {theme}"


def train(client: Client, name: str, *, epochs: int = 1, after: Sequence[str] = ()) -> Job:
    """Train on the irises."""
    job: Job = client.jobs.submit(
        dataset="iris",
        algorithm="classification",
        name=name,
        params={"epochs": epochs},
        after=list(after),
    )
    return job
