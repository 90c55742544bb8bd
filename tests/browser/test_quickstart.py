"""A training cell as a person runs it in a real Chromium: in JupyterLab, and in Notebook 7."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.at_lab import write_notebook
from tests.browser.lab_server import SCREENSHOTS, Lab

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

CELLS_UP_TO_THE_TRAINING = 7
TRAINED_MS = 180_000
#: Keeps each curve that was drawn: a training may be over before a picture is taken of it.
NOTE_CURVES = """() => {
    window.curves = new Set();
    new MutationObserver(() => {
        const line = document.querySelector('[data-testid=aimass-chart-loss] .aimass-line');
        if (line) curves.add(line.getAttribute('d'));
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
#: Where the extension's files come from: Notebook 7 has page errors of its own without it, too.
OURS = "extensions/aimass"
CELLS = (
    "%load_ext aimass_jupyter",
    "%aimass datasets import iris",
    "%aimass train --dataset iris --algorithm classification --epochs 1 --name in-seven",
    "",
)


def _open(page: Page, lab: Lab) -> None:
    page.goto(lab.address("tree/quickstart.ipynb"))
    page.locator(".jp-Notebook").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def _dark(page: Page) -> None:
    page.get_by_role("menuitem", name="Settings").click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text("JupyterLab Dark", exact=True).click()
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def test_a_person_runs_the_training_cell_and_sees_the_curve_move(page: Page, lab: Lab) -> None:
    _open(page, lab)
    page.get_by_role("tab", name="AI Mass").click()
    page.evaluate(NOTE_CURVES)
    page.locator(".jp-Notebook .jp-Cell").first.click()
    for _ in range(CELLS_UP_TO_THE_TRAINING):
        page.keyboard.press("Shift+Enter")
    monitor = page.get_by_test_id("aimass-monitor").first
    monitor.wait_for(timeout=TRAINED_MS)
    chart = monitor.get_by_test_id("aimass-chart-loss")
    chart.wait_for(timeout=TRAINED_MS)
    chart.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "lab-training-light.png")
    expect(monitor).to_have_attribute("data-state", "succeeded", timeout=TRAINED_MS)
    assert page.evaluate("curves.size") > 1, "the curve did not move"
    monitor.evaluate("panel => panel.closest('.jp-Cell').scrollIntoView()")
    page.screenshot(path=SCREENSHOTS / "lab-light.png")
    panel = page.get_by_test_id("aimass-panel")
    ended = panel.locator("[data-testid^=aimass-job-][data-state=succeeded]")
    expect(ended.filter(has_text="classification")).to_be_visible()
    expect(panel.locator("[data-testid^=aimass-model-]").first).to_contain_text("digits")
    _dark(page)
    page.screenshot(path=SCREENSHOTS / "lab-dark.png")


def test_notebook_seven_completes_trains_and_shows_panel_and_log(page: Page, lab: Lab) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
    write_notebook(lab.folder.parent / "notebooks" / "seven.ipynb", *CELLS)
    page.goto(f"{lab.url}notebooks/seven.ipynb?token={lab.token}")
    page.get_by_role("button", name="Python 3 (ipykernel)").wait_for()  # before: "No Kernel"
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    monitor = page.get_by_test_id("aimass-monitor")
    expect(monitor).to_have_attribute("data-state", "succeeded", timeout=TRAINED_MS)

    page.locator(".jp-Cell .cm-content").last.click()
    page.keyboard.type("%aimass dep")
    page.keyboard.press("Tab")
    page.locator(".jp-Completer-item", has_text="deploy").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Notebook .cm-content").last).to_have_text("%aimass deploy")
    page.get_by_role("menuitem", name="AI Mass").click()
    page.get_by_text("Show the panel").click()
    panel = page.get_by_test_id("aimass-panel")
    job = panel.locator("[data-testid^=aimass-job-job]", has_text="in-seven")
    job.get_by_test_id("aimass-job-log").click()
    log = page.locator(".aimass-Log")
    expect(log).to_contain_text("held out")
    box = log.bounding_box()
    assert box
    assert box["height"] > 200
    page.screenshot(path=SCREENSHOTS / "notebook-seven-light.png")
    assert [error for error in errors if OURS in error] == []
