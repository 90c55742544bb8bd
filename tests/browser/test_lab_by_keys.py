"""The lab extension by keys alone: from a file to a prediction, and no mouse on the desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.at_lab import MINUTE_MS, MortalLab, accept, faults, flowers, open_panel

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

MOST_STEPS = 150
IS_FOCUSED = "node => node === document.activeElement"


def _go_to(page: Page, target: Locator) -> None:
    """Press Tab until something has the focus."""
    target.wait_for()
    if page.locator(".jp-Dialog").count():  # JupyterLab puts the focus into it once it is drawn
        page.locator(".jp-Dialog :focus").wait_for(state="attached")
    for _ in range(MOST_STEPS):
        if target.evaluate(IS_FOCUSED):
            return
        page.keyboard.press("Tab")
    at = page.evaluate("document.activeElement.outerHTML")
    raise AssertionError(f"Tab does not lead to {target}, but to {at[:200]}")


def _press(page: Page, target: Locator) -> None:
    _go_to(page, target)
    page.keyboard.press("Enter")


def test_the_quickstart_by_keys_alone(page: Page, mortal: MortalLab, tmp_path: Path) -> None:
    file = tmp_path / "blossoms.csv"
    file.write_text(flowers())
    page.goto(mortal.lab.address(""))
    panel = open_panel(page)
    page.locator("body").press("Control+Alt+m")
    expect(panel.get_by_test_id("aimass-filter")).to_be_focused()
    page.keyboard.type("blossoms")  # other tests leave rows of their own

    with page.expect_file_chooser() as chooser:
        _press(page, panel.get_by_test_id("aimass-drop"))
    chooser.value.set_files(file)
    label = page.get_by_test_id("aimass-import-label")
    _go_to(page, label)
    page.keyboard.type("species")
    expect(label).to_have_value("species")
    page.keyboard.press("Enter")
    _press(page, panel.get_by_role("button", name="Train on blossoms"))
    expect(page.get_by_test_id("aimass-form").get_by_label("Dataset")).to_have_value("blossoms")
    _press(page, accept(page))
    ended = panel.locator("[data-testid^=aimass-job-job][data-state=succeeded]")
    ended.filter(has_text="classification").wait_for(timeout=3 * MINUTE_MS)
    _press(page, panel.get_by_role("button", name="Promote blossoms"))
    _press(page, accept(page))
    alias = panel.locator("[data-testid^=aimass-model-mdl_]").get_by_test_id("aimass-model-alias")
    expect(alias).to_have_text("production → v1")
    _press(page, panel.get_by_role("button", name="Deploy blossoms", exact=True))
    _press(page, accept(page))
    expect(page.get_by_test_id("aimass-answer")).to_contain_text("copy it now", timeout=MINUTE_MS)
    _press(page, accept(page))
    _press(page, panel.get_by_role("button", name="Try blossoms"))
    page.get_by_test_id("aimass-form").wait_for()
    _press(page, accept(page))
    expect(page.get_by_test_id("aimass-answer")).to_contain_text("setosa")
    expect(accept(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("aimass-answer")).to_be_hidden()

    _press(page, panel.locator("button.aimass-Row-name", has_text="blossoms").first)
    shown = page.get_by_test_id("aimass-page")
    expect(shown.get_by_role("heading", name="blossoms")).to_be_visible()
    assert faults(page, ".aimass-Page") == []
