"""What viewers see: the published dashboard, and TensorBoard in a frame, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.services import Service
from tests.browser.lab_server import ROOT, SCREENSHOTS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def dashboard(client: Client) -> Iterator[Service]:
    """The digits dashboard, with its endpoint behind it."""
    client.datasets.import_("digits")
    job = client.jobs.submit(
        dataset="digits", algorithm="classification", params={"epochs": 5}, name="digits"
    )
    ended = client.wait(job.id)
    assert ended.state == "succeeded"
    client.endpoints.deploy(model=ended.model)  # others may have trained one of this name
    path = ROOT / "notebooks" / "digits_dashboard.ipynb"
    yield client.services.publish(notebook=path, name="seen")
    client.services.stop("seen")


def test_a_viewer_picks_a_digit_draws_one_and_reads_a_sentence_when_nothing_answers(
    page: Page, client: Client, dashboard: Service
) -> None:
    errors: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfinished", lambda request: _note_foreign(request.url, elsewhere))
    page.goto(dashboard.url)
    best, note = page.locator(".digits-best"), page.locator(".digits-note")
    expect(best).to_have_text("3", timeout=MINUTE_MS)
    expect(note).to_have_text(f"answered by {client.endpoints.show('digits').model}")
    page.screenshot(path=SCREENSHOTS / "dashboard-light.png")

    page.get_by_role("button", name="sample 7").focus()
    page.keyboard.press("Enter")
    expect(best).to_have_text("7")

    page.get_by_role("button", name="Clear the pad").click()
    expect(note).to_have_text("Draw a digit, or pick one.")
    _draw_a_stroke(page)
    expect(best).to_have_text("1")

    client.endpoints.delete("digits")
    page.get_by_role("button", name="sample 4").click()
    expect(note).to_contain_text("There is no answer now: there is no endpoint 'digits'")
    expect(best).to_have_text("–")
    assert page.get_by_text("Traceback").count() == 0
    assert "load_digits" not in page.content()
    assert errors == []
    assert elsewhere == []


def test_the_dashboard_follows_a_dark_theme(page: Page, dashboard: Service) -> None:
    page.goto(f"{dashboard.url}&theme=dark")
    page.locator(".digits-best").wait_for()
    ink = page.locator(".digits-row").first.evaluate("row => getComputedStyle(row).color")
    red = int(ink.removeprefix("rgba(").removeprefix("rgb(").split(",")[0])
    page.screenshot(path=SCREENSHOTS / "dashboard-dark.png")
    assert red > 200


def _draw_a_stroke(page: Page) -> None:
    box = page.locator(".digits-pad").bounding_box()
    assert box
    x = box["x"] + box["width"] / 2 + 4
    page.mouse.move(x, box["y"] + 8)
    page.mouse.down()
    for step in range(24):
        page.mouse.move(x, box["y"] + 8 + step * 10)
    page.mouse.up()


def _note_foreign(url: str, found: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        found.append(url)


def test_tensorboard_works_in_a_frame_of_this_server(page: Page, server: Any, trained: Job) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_extra_http_headers({"Authorization": f"Bearer {server.token}"})
    page.goto(f"{server.url}/login")
    page.evaluate(
        """() => {
            const frame = document.createElement("iframe");
            frame.src = "/aimass/tensorboard";
            frame.style = "position: fixed; inset: 0; width: 100%; height: 100%; background: #fff";
            document.body.replaceChildren(frame);
        }"""
    )
    shown = page.frame_locator("iframe")
    expect(shown.get_by_text(f"{trained.name}-{trained.id[-6:]}").first).to_be_visible(
        timeout=MINUTE_MS
    )
    expect(shown.get_by_text("accuracy/validation").first).to_be_visible(timeout=MINUTE_MS)
    expect(shown.locator("svg path").first).to_be_attached(timeout=MINUTE_MS)
    page.screenshot(path=SCREENSHOTS / "tensorboard.png")
    assert errors == []
