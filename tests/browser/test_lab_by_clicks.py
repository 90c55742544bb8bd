"""The lab extension by clicks alone: from a file to an endpoint, notebooks as jobs and services."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.at_lab import (
    MINUTE_MS,
    MortalLab,
    accept,
    check,
    drop,
    flowers,
    open_panel,
    write_notebook,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

MOST_CLICKS = 8


class Clicks:
    """Clicks as a person does, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, target: Locator) -> None:
        target.click()
        self.count += 1

    def choose(self, target: Locator, option: str) -> None:
        target.select_option(option)
        self.count += 1


def test_the_quickstart_by_clicks_alone(page: Page, panel: Locator) -> None:
    click = Clicks()
    check(page, "lab-empty", "#aimass-panel")
    drop(page, "flowers.csv", flowers())
    kinds = page.get_by_test_id("aimass-import-preview").locator("td:nth-child(2)")
    expect(kinds).to_have_text(["number", "number", "words"])
    check(page, "lab-import", ".jp-Dialog")
    click.choose(page.get_by_test_id("aimass-import-label"), "species")
    click(accept(page))
    click(page.locator(".Toastify").get_by_role("button", name="Train…"))
    form = page.get_by_test_id("aimass-form")
    expect(form.get_by_label("Algorithm")).to_have_value("classification")
    expect(form.get_by_label("Dataset")).to_have_value("flowers")
    check(page, "lab-train-form", ".jp-Dialog")
    click(accept(page))
    panel.locator("[data-testid^=aimass-job-job]").first.wait_for()

    page.reload()  # in the middle: nothing is lost
    panel = open_panel(page)
    ended = panel.locator("[data-testid^=aimass-job-job][data-state=succeeded]")
    ended.filter(has_text="classification").wait_for(timeout=3 * MINUTE_MS)
    model = panel.locator("[data-testid^=aimass-model-mdl_]")
    click(model.get_by_test_id("aimass-model-promote"))
    check(page, "lab-promote-form", ".jp-Dialog")
    click(accept(page))
    expect(model.get_by_test_id("aimass-model-alias")).to_have_text("production → v1")
    click(model.get_by_test_id("aimass-model-deploy"))
    check(page, "lab-deploy-form", ".jp-Dialog")
    click(accept(page))
    endpoint = panel.locator("[data-testid^=aimass-endpoint-ep_][data-state=ready]")
    endpoint.wait_for(timeout=MINUTE_MS)
    assert click.count <= MOST_CLICKS

    expect(page.get_by_test_id("aimass-answer")).to_contain_text("copy it now")
    accept(page).click()
    endpoint.get_by_test_id("aimass-endpoint-try").click()
    page.get_by_test_id("aimass-form").wait_for()
    check(page, "lab-try-form", ".jp-Dialog")
    accept(page).click()
    expect(page.get_by_test_id("aimass-answer")).to_contain_text("setosa")
    check(page, "lab-answer", ".jp-Dialog")
    accept(page).click()
    check(page, "lab-panel", "#aimass-panel")

    endpoint.locator("button.aimass-Row-name").click()
    shown = page.get_by_test_id("aimass-page")
    expect(shown.get_by_text("How it is used")).to_be_visible()
    check(page, "lab-endpoint", ".aimass-Page")


def test_a_notebook_is_published_and_runs_as_a_job(page: Page, mortal: MortalLab) -> None:
    cell = "%xmode plain\nprint('hello from a job')"
    write_notebook(mortal.notebooks / "hello.ipynb", cell)
    page.goto(mortal.lab.address("tree/hello.ipynb"))
    panel = open_panel(page)
    page.locator("[data-testid=aimass-run-notebook]").click()
    travels = page.get_by_test_id("aimass-run-travels")
    expect(travels.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Name of the job").fill("as-it-is")
    check(page, "lab-run-notebook", ".jp-Dialog")
    accept(page).click()

    page.locator("[data-testid=aimass-run-notebook]").click()
    page.get_by_label("How it runs").select_option("script")
    expect(travels.locator("td").last).to_have_text("1")
    page.get_by_label("Name of the job").fill("as-a-script")
    check(page, "lab-run-script", ".jp-Dialog")
    accept(page).click()
    for name, said in (("as-it-is", "cell 1 of 1 is done"), ("as-a-script", "hello from a job")):
        job = panel.locator("[data-testid^=aimass-job-job]", has_text=name)
        expect(job).to_have_attribute("data-state", "succeeded", timeout=2 * MINUTE_MS)
        job.get_by_test_id("aimass-job-log").click()
        log = page.get_by_test_id("aimass-log").filter(visible=True)
        expect(log).to_contain_text(said)
    check(page, "lab-log", ".aimass-Log")

    page.get_by_role("tab", name="hello.ipynb").click()
    page.locator("[data-testid=aimass-publish]").click()
    page.locator(".jp-Dialog input").wait_for()
    check(page, "lab-publish", ".jp-Dialog")
    accept(page).click()
    service = panel.locator("[data-testid^=aimass-service-][data-state=ready]")
    service.wait_for(timeout=2 * MINUTE_MS)
    expect(service.get_by_test_id("aimass-service-open")).to_be_visible()
    service.get_by_test_id("aimass-service-log").click()
    log = page.get_by_test_id("aimass-log").filter(visible=True)
    expect(log).to_contain_text("Kernel started")
    check(page, "lab-service-log", ".aimass-Log")
    service.locator("button.aimass-Row-name").click()
    page.get_by_test_id("aimass-page-service-open").wait_for()
    check(page, "lab-service", ".aimass-Page")
    service.get_by_test_id("aimass-service-stop").click()
    accept(page).click()
    expect(panel.locator("[data-testid^=aimass-service-][data-state=stopped]")).to_be_visible()


def test_the_notebooks_for_a_new_model_run_as_they_stand(page: Page, mortal: MortalLab) -> None:
    for card, filename in (
        ("Classifier", "classifier.ipynb"),
        ("Regression", "regression.ipynb"),
        ("Own training code", "own-training.ipynb"),
    ):
        page.goto(mortal.lab.address("") + "&reset")
        page.locator(".jp-LauncherCard", has_text=card).click()
        notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        page.get_by_role("tab", name=filename).wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        prompts = notebook.locator(".jp-CodeCell .jp-InputPrompt")
        expect(prompts.last).to_have_text(re.compile(r"\[\d+\]:"), timeout=2 * MINUTE_MS)
        failed = notebook.locator(
            "[data-mime-type='application/vnd.jupyter.error'], "
            "[data-mime-type='application/vnd.jupyter.stderr']"
        )
        assert failed.all_inner_texts() == []
