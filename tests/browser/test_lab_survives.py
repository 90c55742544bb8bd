"""What the lab extension survives: killed servers and kernels, two tabs, many jobs, no token."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.at_lab import (
    MINUTE_MS,
    MortalLab,
    accept,
    check,
    open_panel,
    train,
    write_notebook,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

MANY = 500


def test_two_tabs_show_the_same(page: Page, panel: Locator, mortal: MortalLab) -> None:
    with mortal.client() as client:
        client.datasets.import_("iris")
        job = train(client, "both", epochs=100_000)
    other = page.context.new_page()
    other.goto(mortal.lab.address("workspaces/other"))
    beside = open_panel(other)
    rows = [each.get_by_test_id(f"aimass-job-{job.id}") for each in (panel, beside)]
    for row in rows:
        expect(row).to_have_attribute("data-state", "running")
    rows[1].get_by_test_id("aimass-job-stop").click()
    accept(other).click()
    for row in rows:
        expect(row).to_have_attribute("data-state", "stopped")
    other.close()
    expect(panel.get_by_test_id("aimass-header")).to_have_attribute("data-state", "live")


def test_cookies_are_enough_as_behind_a_hub(page: Page, mortal: MortalLab) -> None:
    """A hub's pages carry no token: who asks is told by a cookie, and changes need its twin."""
    sent: list[dict[str, str]] = []

    def without_token(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'"token": "\w+"', '"token": ""', answer.text()))

    page.route(re.compile(r"/user/ada/lab/?(\?|$)"), without_token)
    page.on("request", lambda r: sent.append(r.headers) if "/aimass/api/" in r.url else None)
    page.goto(mortal.lab.address(""))
    panel = open_panel(page)
    panel.get_by_test_id("aimass-import").click()
    page.get_by_test_id("aimass-form").get_by_label("Source").fill("wine")
    accept(page).click()
    panel.locator("[data-testid^=aimass-dataset-]", has_text="wine").first.wait_for()
    assert sent
    assert not any("authorization" in headers for headers in sent)


def test_a_kernel_killed_in_the_middle_is_attached_again(page: Page, mortal: MortalLab) -> None:
    write_notebook(
        mortal.notebooks / "attached.ipynb",
        "import os\nprint('pid', os.getpid())\n%load_ext aimass_jupyter\n"
        "%aimass datasets import iris\n"
        "%aimass train --dataset iris --algorithm classification --epochs 100000 --name kept",
        "%load_ext aimass_jupyter\n%aimass attach kept",
    )
    page.goto(mortal.lab.address("tree/attached.ipynb"))
    open_panel(page)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.first.click()
    page.keyboard.press("Shift+Enter")
    cells.first.get_by_test_id("aimass-chart-loss").wait_for(timeout=2 * MINUTE_MS)
    told = re.search(r"pid (\d+)", cells.first.inner_text())
    assert told
    os.kill(int(told[1]), signal.SIGKILL)
    page.get_by_role("dialog").get_by_text("Kernel Restarting").wait_for()
    accept(page).click()

    cells.nth(1).click()
    page.keyboard.press("Shift+Enter")
    monitor = cells.nth(1).get_by_test_id("aimass-monitor")
    expect(monitor).to_have_attribute("data-state", "running", timeout=2 * MINUTE_MS)
    monitor.get_by_test_id("aimass-chart-loss").wait_for()
    with mortal.client() as client:
        job = next(job for job in client.jobs.list().items if job.name == "kept")
        first = client.jobs.metrics(job.id).series[0].steps[0]
        client.jobs.stop(job.id)
    expect(monitor).to_have_attribute("data-state", "stopped")
    assert first <= 1


def test_the_panel_recovers_when_the_server_was_killed(
    page: Page, panel: Locator, mortal: MortalLab
) -> None:
    mortal.kill()
    header = panel.get_by_test_id("aimass-header")
    expect(header).to_have_attribute("data-state", "down")
    expect(panel.get_by_test_id("aimass-down")).to_contain_text("does not answer")
    mortal.start()
    expect(header).to_have_attribute("data-state", "live", timeout=MINUTE_MS)


def test_five_hundred_jobs_in_the_list(page: Page, mortal: MortalLab) -> None:
    with mortal.client() as client, ThreadPoolExecutor(8) as pool:
        client.datasets.import_("iris")
        first = train(client, "first", epochs=100_000)
        names = [f"many-{index}" for index in range(MANY)]
        list(pool.map(lambda name: train(client, name, after=[first.id]), names))
    page.goto(mortal.lab.address(""))
    panel = open_panel(page)
    jobs = panel.get_by_test_id("aimass-section-jobs")
    more = jobs.get_by_test_id("aimass-more-jobs")
    jobs.locator("li").first.wait_for()
    while more.is_visible():
        before = jobs.locator("li").count()
        more.click()
        expect(jobs.locator("li")).not_to_have_count(before, timeout=2 * MINUTE_MS)
        expect(jobs.locator(".aimass-Error")).to_have_count(0)
    assert jobs.locator("li").count() > MANY

    page.locator("body").press("Control+Alt+m")
    page.keyboard.type("many-321")
    expect(jobs.locator("li")).to_have_count(1)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown = page.get_by_test_id("aimass-page")
    expect(shown.get_by_role("heading", name="many-321")).to_be_visible()
    expect(shown.get_by_test_id("aimass-waiting")).to_contain_text("waits for")
    check(page, "lab-waiting", "#aimass-panel", ".aimass-Page")
