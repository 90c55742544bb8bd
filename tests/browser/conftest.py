"""A real JupyterLab, and a real Chromium looking at it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from aimass_jupyter.client.starting import stop_programs
from tests.browser.at_lab import MortalLab, open_panel
from tests.browser.lab_server import (
    ROOT,
    SCREENSHOTS,
    Lab,
    ask_for_no_news,
    start_lab,
    wait_for_lab,
)

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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for longer than a module: Playwright keeps a loop running in this thread."""
    wanted = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in wanted if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install chromium, or name one in CHROMIUM")
    expect.set_options(timeout=60_000)  # on a busy machine a page draws late
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


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalLab]:
    """Not for longer than a module: what trains in it takes time from the tests after it."""
    mortal = MortalLab(tmp_path_factory.mktemp("mortal"))
    yield mortal
    mortal.close()


@pytest.fixture
def panel(page: Page, mortal: MortalLab) -> Locator:
    page.goto(mortal.lab.address(""))
    return open_panel(page)
