"""Pages of the lab extension: their addresses, what they show, in light, dark and high contrast."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from aimass_jupyter.training.tracked_run import start
from tests.browser.at_lab import (
    CONTRAST,
    LIGHT,
    SCREENSHOTS,
    MortalLab,
    check,
    faults,
    open_panel,
    show_in,
    train,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]


def test_pages_come_back_and_have_an_address(page: Page, mortal: MortalLab) -> None:
    with mortal.client() as client:
        client.datasets.import_("iris")
        jobs = [train(client, name, epochs=3) for name in ("iris-one", "iris-two")]
        assert {client.wait(job.id).state for job in jobs} == {"succeeded"}
    page.goto(mortal.lab.address("") + f"&reset&aimass=jobs/{jobs[0].id}")
    panel = open_panel(page)
    shown = page.get_by_test_id("aimass-page")
    expect(shown.get_by_role("heading", name="iris-one")).to_be_visible()
    shown.get_by_test_id("aimass-chart-loss").wait_for()
    shown.get_by_test_id("aimass-page-inputs").click()
    expect(shown.get_by_text("Its digest")).to_be_visible()
    check(page, "lab-job", "#aimass-panel", ".aimass-Page")

    for section, names in (
        ("Runs", ("iris-one", "iris-two")),
        ("Models", ("iris-one", "iris-two")),
    ):
        part = panel.get_by_role("region", name=section, exact=True)
        if section == "Runs":  # folded until somebody opens it
            part.get_by_role("button", name=section).click()
        for name in names:
            part.get_by_label(f"Choose {name}").check()
        part.get_by_test_id("aimass-compare").click()
    models = page.get_by_test_id("aimass-page").filter(has_text="2 models side by side")
    models.get_by_role("columnheader", name="iris-two").wait_for()
    check(page, "lab-models", "#aimass-panel", ".aimass-Page")
    page.get_by_role("tab", name="Comparison").click()
    compared = page.get_by_test_id("aimass-page").filter(has_text="2 runs side by side")
    compared.get_by_test_id("aimass-chart-loss/train").wait_for()
    check(page, "lab-comparison", "#aimass-panel", ".aimass-Page")

    mortal.wait_until_kept("comparison-", "model-comparison-")
    page.goto(mortal.lab.url + "lab")
    open_panel(page)
    page.get_by_role("tab", name="Comparison").click()
    compared.get_by_test_id("aimass-chart-loss/train").wait_for()
    for section, view in (("models", "lab-model"), ("datasets", "lab-dataset")):
        panel.get_by_test_id(f"aimass-section-{section}").locator(
            "button.aimass-Row-name", has_text="iris"
        ).first.click()
        page.get_by_test_id("aimass-page").filter(visible=True).locator("h2").wait_for()
        check(page, view, ".aimass-Page")


def test_a_run_without_a_job_has_a_page_that_follows_it(page: Page, mortal: MortalLab) -> None:
    with mortal.client() as client:
        run = start(client, "by-hand", None, {"lr": 0.5}, ["loop"], "")
        for step in range(50):
            run.log(step, loss=0.9**step, accuracy=1 - 0.8**step)
        run.flush()
        page.goto(mortal.lab.address("") + f"&reset&aimass=runs/{run.id}")
        panel = open_panel(page)
        shown = page.get_by_test_id("aimass-page")
        expect(shown.get_by_role("heading", name="by-hand")).to_be_visible()
        shown.get_by_test_id("aimass-chart-loss").wait_for()
        panel.get_by_test_id("aimass-filter").fill("without a job")
        panel.get_by_role("button", name="Runs").click()
        panel.get_by_test_id(f"aimass-open-{run.id}").wait_for()
        check(page, "lab-run", "#aimass-panel", ".aimass-Page")
        run.log(50, recall=0.5)
        shown.get_by_test_id("aimass-chart-recall").wait_for()  # looked at again while it is seen
        run.end("failed", "too slow")
        expect(shown.get_by_test_id("aimass-page-cause")).to_have_text("too slow")


def test_a_cluster_shows_what_is_used_of_it(page: Page, mortal: MortalLab) -> None:
    with mortal.client() as client:
        client.datasets.import_("iris")
        job = train(client, "using-it", epochs=100_000)
        page.goto(mortal.lab.address("") + "&reset&aimass=clusters/local")
        panel = open_panel(page)
        shown = page.get_by_test_id("aimass-page")
        user = shown.get_by_role("row").filter(has_text="using-it")
        user.wait_for()  # looked at again while it is seen
        panel.get_by_role("button", name="Clusters").click()
        row = panel.get_by_test_id("aimass-cluster-local")
        expect(row).to_contain_text("1 of ")
        shown.get_by_test_id("aimass-node-history-local").click()
        shown.get_by_role("img", name="Used, in percent").wait_for()
        check(page, "lab-cluster", "#aimass-panel", ".aimass-Page")

        look_at_menu_and_palette(page)

        show_in(page, CONTRAST)
        assert faults(page, "#aimass-panel") + faults(page, ".aimass-Page") == []
        page.screenshot(path=SCREENSHOTS / "lab-cluster-contrast.png")
        show_in(page, LIGHT)
        page.emulate_media(forced_colors="active")  # as of a system in high contrast
        page.screenshot(path=SCREENSHOTS / "lab-cluster-forced.png")
        client.jobs.stop(job.id)
        expect(row).to_contain_text("0 of ")


def look_at_menu_and_palette(page: Page) -> None:
    """What is done by a command is found by its name, and leads on by keys."""
    page.get_by_role("menuitem", name="AI Mass").click()
    page.get_by_role("menuitem", name="Train a model…").wait_for()
    page.screenshot(path=SCREENSHOTS / "lab-menu-light.png")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+C")
    palette = page.locator("#command-palette input")
    palette.fill("AI Mass train")
    page.locator(".lm-CommandPalette-item", has_text="Train a model as a job").wait_for()
    page.screenshot(path=SCREENSHOTS / "lab-palette-light.png")
    palette.press("Enter")
    page.locator(".jp-Dialog :focus").wait_for(state="attached")  # what has no focus hears no key
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("aimass-form")).to_be_hidden()
