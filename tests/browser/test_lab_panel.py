"""The lab extension as a person uses it: clicks and keys alone, in a real Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sklearn.datasets import load_iris

from aimass_jupyter.client import Client
from aimass_jupyter.client.client import connect
from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.contract.jobs import Job
from tests.browser.conftest import ROOT, SCREENSHOTS, Lab, ask_for_no_news, start_lab, wait_for_lab

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

MINUTE_MS = 60_000
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
MOST_CLICKS = 8
MANY = 500


class MortalLab:
    """A JupyterLab that can be killed, and comes back at the same address with the same data."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.notebooks = base / "notebooks"
        self.notebooks.mkdir()
        ask_for_no_news(base / "settings")
        self._token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        options = (f"--ServerApp.port={self._port}", f"--IdentityProvider.token={self._token}")
        data = self.base / "data"
        self._process = start_lab(self.base, data, self.notebooks, options)
        self.lab: Lab = wait_for_lab(self._process, self.base, data)

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        stop_programs(self.base / "data")

    @contextmanager
    def client(self) -> Iterator[Client]:
        client = connect(self.lab.url, self._token)
        yield client
        client.close()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalLab]:
    mortal = MortalLab(tmp_path_factory.mktemp("mortal"))
    _write_notebook(mortal.notebooks / "hello.ipynb")
    yield mortal
    mortal.close()


@pytest.fixture
def panel(page: Page, mortal: MortalLab) -> Locator:
    page.goto(mortal.lab.address(""))
    return _panel(page)


def _panel(page: Page) -> Locator:
    panel = page.get_by_test_id("aimass-panel")
    page.get_by_role("tab", name="AI Mass").wait_for()
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    if not panel.is_visible():
        page.get_by_role("tab", name="AI Mass").click()
    expect(panel.get_by_test_id("aimass-header")).to_have_attribute("data-state", "live")
    return panel


def _write_notebook(path: Path) -> None:
    source = "%xmode plain\nprint('hello from a job')"
    cell: dict[str, Any] = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "cells": [{**cell, "execution_count": None, "source": source}],
        "metadata": {"kernelspec": kernel},
    }
    path.write_text(json.dumps(notebook))


def _flowers() -> str:
    """Three columns of the irises as CSV: two lengths and the kind to learn."""
    iris = load_iris()
    rows = zip(iris.data, iris.target, strict=True)
    lines = [f"{values[0]},{values[2]},{iris.target_names[kind]}" for values, kind in rows]
    return "\n".join(["sepal,petal,species", *lines, ""])


def _drop(page: Page, name: str, text: str) -> None:
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


def _accept(page: Page) -> Locator:
    return page.locator(".jp-Dialog-footer button.jp-mod-accept")


def _shoot(page: Page, view: str) -> None:
    theme = page.locator("body").get_attribute("data-jp-theme-light")
    page.screenshot(path=SCREENSHOTS / f"{view}-{'light' if theme == 'true' else 'dark'}.png")


def _faults(page: Page, where: str) -> list[str]:
    """What axe-core finds that is serious, in a part of the page."""
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


def _go_dark(page: Page) -> None:
    page.get_by_role("menuitem", name="Settings").click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_text("JupyterLab Dark", exact=True).click()
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


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
    _drop(page, "flowers.csv", _flowers())
    kinds = page.get_by_test_id("aimass-import-preview").locator("td:nth-child(2)")
    expect(kinds).to_have_text(["number", "number", "text"])
    assert _faults(page, ".jp-Dialog") == []
    _shoot(page, "lab-import")
    click.choose(page.get_by_test_id("aimass-import-label"), "species")
    click(_accept(page))
    click(page.locator(".Toastify").get_by_role("button", name="Train…"))
    form = page.get_by_test_id("aimass-form")
    expect(form.get_by_label("Algorithm")).to_have_value("classification")
    expect(form.get_by_label("Dataset")).to_have_value("flowers")
    _shoot(page, "lab-train-form")
    click(_accept(page))
    panel.locator("[data-testid^=aimass-job-job]").first.wait_for()

    page.reload()  # in the middle: nothing is lost
    panel = _panel(page)
    panel.locator("[data-testid^=aimass-job-job][data-state=succeeded]").wait_for(
        timeout=3 * MINUTE_MS
    )
    model = panel.locator("[data-testid^=aimass-model-mdl_]")
    click(model.get_by_test_id("aimass-model-promote"))
    click(_accept(page))
    expect(model.get_by_test_id("aimass-model-alias")).to_have_text("production → v1")
    click(model.get_by_test_id("aimass-model-deploy"))
    click(_accept(page))
    endpoint = panel.locator("[data-testid^=aimass-endpoint-ep_][data-state=ready]")
    endpoint.wait_for(timeout=MINUTE_MS)
    assert click.count <= MOST_CLICKS

    expect(page.get_by_test_id("aimass-answer")).to_contain_text("copy it now")
    _accept(page).click()
    endpoint.get_by_test_id("aimass-endpoint-try").click()
    page.get_by_test_id("aimass-form").wait_for()
    _shoot(page, "lab-try-form")
    _accept(page).click()
    expect(page.get_by_test_id("aimass-answer")).to_contain_text("setosa")
    _accept(page).click()


def test_a_notebook_is_published_and_runs_as_a_job(page: Page, mortal: MortalLab) -> None:
    page.goto(mortal.lab.address("tree/hello.ipynb"))
    panel = _panel(page)
    page.locator("[data-testid=aimass-run-notebook]").click()
    travels = page.get_by_test_id("aimass-run-travels")
    expect(travels.locator("tbody tr")).to_have_count(1)
    expect(travels.locator("td").last).to_have_text("1")
    assert _faults(page, ".jp-Dialog") == []
    _shoot(page, "lab-run-notebook")
    _accept(page).click()
    job = panel.locator("[data-testid^=aimass-job-job]", has_text="hello")
    expect(job).to_have_attribute("data-state", "succeeded", timeout=2 * MINUTE_MS)
    job.get_by_test_id("aimass-job-log").click()
    expect(page.get_by_test_id("aimass-log")).to_contain_text("hello from a job")

    page.get_by_role("tab", name="hello.ipynb").click()
    page.locator("[data-testid=aimass-publish]").click()
    _accept(page).click()
    service = panel.locator("[data-testid^=aimass-service-][data-state=ready]")
    service.wait_for(timeout=2 * MINUTE_MS)
    expect(service.get_by_test_id("aimass-service-open")).to_be_visible()


def test_pages_come_back_and_have_an_address(page: Page, panel: Locator, mortal: MortalLab) -> None:
    with mortal.client() as client:
        client.datasets.import_("iris")
        jobs = [_train(client, name, epochs=3) for name in ("iris-one", "iris-two")]
        assert {client.wait(job.id).state for job in jobs} == {"succeeded"}
    page.goto(mortal.lab.address("") + f"&aimass=jobs/{jobs[0].id}")
    panel = _panel(page)
    shown = page.get_by_test_id("aimass-page")
    expect(shown.get_by_role("heading", name="iris-one")).to_be_visible()
    shown.get_by_test_id("aimass-chart-loss").wait_for()
    shown.get_by_test_id("aimass-page-inputs").click()
    expect(shown.get_by_text("Its digest")).to_be_visible()
    _check_and_shoot(page, "lab-job")
    panel.get_by_role("button", name="Runs").click()
    for job in jobs:
        panel.get_by_label(f"Choose {job.name}").check()
    panel.get_by_test_id("aimass-compare").click()
    compared = page.get_by_test_id("aimass-page").filter(has_text="side by side")
    compared.get_by_test_id("aimass-chart-loss/train").wait_for()
    _check_and_shoot(page, "lab-comparison")

    page.wait_for_timeout(1500)  # Lab keeps its layout a second after the last change
    page.goto(mortal.lab.url + "lab")
    _panel(page)
    expect(page.get_by_role("tab", name="Comparison")).to_be_visible()
    compared.get_by_test_id("aimass-chart-loss/train").wait_for()
    for section, view in (("models", "lab-model"), ("datasets", "lab-dataset")):
        panel.get_by_test_id(f"aimass-section-{section}").locator(
            "button.aimass-Row-name", has_text="iris"
        ).first.click()
        page.get_by_test_id("aimass-page").filter(visible=True).locator("h2").wait_for()
        _check_and_shoot(page, view)
    _go_dark(page)
    _check_and_shoot(page, "lab-dataset")
    page.get_by_role("tab", name="Comparison").click()
    _check_and_shoot(page, "lab-comparison")


def _train(client: Client, name: str, *, epochs: int = 1, after: Sequence[str] = ()) -> Job:
    job: Job = client.jobs.submit(
        dataset="iris",
        algorithm="classification",
        name=name,
        params={"epochs": epochs},
        after=list(after),
    )
    return job


def _check_and_shoot(page: Page, view: str) -> None:
    assert _faults(page, "#aimass-panel") == []
    assert _faults(page, ".aimass-Page") == []
    _shoot(page, view)


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


def test_the_panel_recovers_when_the_server_was_killed(
    page: Page, panel: Locator, mortal: MortalLab
) -> None:
    mortal.kill()
    header = panel.get_by_test_id("aimass-header")
    expect(header).to_have_attribute("data-state", "down")
    expect(panel.get_by_test_id("aimass-down")).to_contain_text("does not answer")
    _shoot(page, "lab-down")
    mortal.start()
    expect(header).to_have_attribute("data-state", "live", timeout=MINUTE_MS)


def test_five_hundred_jobs_and_keys_alone(page: Page, mortal: MortalLab) -> None:
    with mortal.client() as client, ThreadPoolExecutor(8) as pool:
        first = _train(client, "first", epochs=100_000)
        names = [f"many-{index}" for index in range(MANY)]
        list(pool.map(lambda name: _train(client, name, after=[first.id]), names))
    page.goto(mortal.lab.address(""))
    panel = _panel(page)
    jobs = panel.get_by_test_id("aimass-section-jobs")
    more = jobs.get_by_test_id("aimass-more-jobs")
    jobs.locator("li").first.wait_for()
    while more.is_visible():
        before = jobs.locator("li").count()
        more.click()
        expect(jobs.locator("li")).not_to_have_count(before)
    assert jobs.locator("li").count() > MANY
    _shoot(page, "lab-many")

    page.locator("body").press("Control+Alt+m")
    page.get_by_test_id("aimass-filter").focus()
    page.keyboard.type("many-321")
    expect(jobs.locator("li")).to_have_count(1)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown = page.get_by_test_id("aimass-page")
    expect(shown.get_by_role("heading", name="many-321")).to_be_visible()
    expect(shown.get_by_test_id("aimass-waiting")).to_contain_text("waits for")
    assert _faults(page, ".aimass-Page") == []
    _shoot(page, "lab-waiting")
