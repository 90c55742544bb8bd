"""The views in a real page: what a person sees, hears, clicks and types."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.job_course import Gap
from aimass_jupyter.contract.jobs import Cause
from aimass_jupyter.widgets.job_record import card
from aimass_jupyter.widgets.train_form import run_schema
from tests.widgets.conftest import make_job
from tests.widgets.one_page import CHROMIUM, MARKUP, Opener

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]


def monitor_state(lines: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    steps = list(range(100))
    series = [
        {"tag": "loss/train", "steps": steps, "values": [2 / (step + 1) for step in steps]},
        {"tag": "loss/validation", "steps": [40, 60, 99], "values": [0.5, None, 0.1]},
        {"tag": f"accuracy/{MARKUP}", "steps": [99], "values": [0.9]},
    ]
    gaps = [Gap(offset=0, size_bytes=2_000)]
    history = {"revision": 7, "series": series, "lines": lines or ["[0] one", "[1] two"]}
    return {"card": card(make_job(**fields), gaps), "history": history, "connection": "live"}


def test_what_comes_from_outside_is_text(open_widget: Opener) -> None:
    cause = Cause(code="error", message=MARKUP, rank=0, last_lines=[MARKUP])
    names = {"name": MARKUP, "dataset": MARKUP, "metrics": {MARKUP: 1.0}, "model": MARKUP}
    state = monitor_state([f"[0] {MARKUP}"], state="failed", cause=cause, **names)
    widget = open_widget("job_monitor.js", state)
    widget.change("problem", {"message": MARKUP, "hint": MARKUP, "details": [{MARKUP: MARKUP}] * 2})
    expect(widget.page.locator(".aimass-problem")).to_contain_text(MARKUP)
    assert widget.page.get_by_text(MARKUP).count() >= 8
    assert widget.page.locator("#root :is(img, script, iframe)").count() == 0


def test_the_state_is_announced_and_shown(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state())
    expect(widget.page.get_by_role("status")).to_have_text("running")
    widget.change("connection", "reconnecting")
    expect(widget.page.get_by_role("status")).to_have_text("running · reconnecting")
    done = {"model": "digits@3", "metrics": {"accuracy": 0.98}}
    finished = card(make_job(state="succeeded", **done), [])
    widget.change("connection", "ended")
    widget.change("card", finished)
    expect(widget.page.get_by_role("status")).to_have_text("succeeded")
    expect(widget.page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    outcome = widget.page.get_by_test_id("aimass-outcome")
    expect(outcome).to_contain_text("%aimass promote digits@3 --alias production")
    expect(widget.button("Stop")).to_have_count(0)


def test_stopping_asks_first_and_escape_takes_it_back(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state())
    widget.button("Stop").click()
    expect(widget.button("Keep running")).to_be_focused()
    widget.page.keyboard.press("Escape")
    expect(widget.button("Stop")).to_be_focused()
    assert widget.sent == []
    widget.page.keyboard.press("Enter")
    widget.page.keyboard.press("Shift+Tab")
    expect(widget.button("Stop it")).to_be_focused()
    widget.page.keyboard.press("Enter")
    assert widget.sent == [{"kind": "stop"}]
    widget.change("card", card(make_job(state="stopping"), []))
    expect(widget.button("Stopping…")).to_be_disabled()


def test_new_points_and_lines_appear(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state())
    new = {"tag": "loss/train", "steps": [100], "values": [0.0123]}
    widget.receive(kind="more", **{"from": 7}, revision=8, series=[new], lines=["[1] three"])
    legend = widget.page.get_by_test_id("aimass-chart-loss").locator("li").first
    expect(legend).to_contain_text("0.0123")
    expect(widget.page.get_by_role("log")).to_contain_text("[1] three")
    widget.receive(kind="more", **{"from": 9}, revision=10, series=[new], lines=["[1] five"])
    assert widget.sent == [{"kind": "whole"}]
    expect(widget.page.get_by_role("log")).not_to_contain_text("five")


def test_a_gap_is_a_gap_and_a_lone_point_is_seen(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state())
    loss = widget.page.get_by_test_id("aimass-chart-loss")
    drawn = loss.locator("path").nth(1).get_attribute("d")
    assert drawn is not None
    assert drawn.count("M") == 2
    assert "L" not in drawn
    expect(widget.page.locator(".aimass-chart").nth(1).locator("circle")).to_have_count(1)


def test_a_chart_is_read_with_the_keyboard(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state())
    chart = widget.page.get_by_test_id("aimass-chart-loss")
    chart.get_by_role("img").focus()
    widget.page.keyboard.press("Home")
    widget.page.keyboard.press("ArrowRight")
    said = chart.locator("[aria-live=polite]")
    expect(said).to_have_text("step 1: train 1, validation 0.5")
    expect(chart.locator("li").first).to_contain_text("1")
    before = chart.locator("path").first.get_attribute("d") or ""
    chart.get_by_role("button", name="logarithmic scale for loss").click()
    expect(chart.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    expect(chart.locator("path").first).not_to_have_attribute("d", before)


def test_the_log_of_one_rank(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state(["[0] one", "[1] two", "[launcher] go"]))
    choice = widget.page.get_by_label("rank whose log is shown")
    assert choice.locator("option").all_inner_texts() == [
        "all ranks",
        "rank 0",
        "rank 1",
        "launcher",
    ]
    choice.select_option("1")
    shown = widget.page.get_by_role("log").locator("div:visible")
    assert shown.all_inner_texts() == ["[1] two"]


def test_a_view_that_goes_leaves_nothing_behind(open_widget: Opener) -> None:
    widget = open_widget("job_monitor.js", monitor_state())
    widget.page.evaluate("leave()")
    widget.change("card", card(make_job(state="stopped"), []))
    widget.page.wait_for_timeout(100)
    assert widget.page.locator("[data-state=stopped]").count() == 0


def form_state() -> dict[str, Any]:
    facts = {"columns": 2, "version": 1, "rows": 1797, "label": "digit", "task": "classification"}
    found = [
        one.describe().model_dump(mode="json") | {"reason": f"{MARKUP} {one.name}"}
        for one in ALGORITHMS.values()
    ]
    return {
        "datasets": [{"name": "digits", **facts}, {"name": "iris", **facts}],
        "dataset": "digits",
        "algorithms": found,
        "run_schema": run_schema(),
        "submitted": "",
    }


def test_the_form_sends_what_was_changed(open_widget: Opener) -> None:
    widget = open_widget("train_form.js", form_state())
    widget.page.get_by_label("epochs", exact=True).fill("3")
    widget.page.get_by_label("optimizer").select_option("sgd")
    widget.page.get_by_label("np", exact=True).fill("2")
    widget.page.get_by_label("engine").select_option("horovod")
    widget.button("Train").click()
    assert widget.sent == [
        {
            "kind": "train",
            "dataset": "digits",
            "algorithm": "classification",
            "params": {"epochs": 3, "optimizer": "sgd"},
            "run": {"np": 2, "engine": "horovod"},
        }
    ]


def test_a_wrong_value_is_said_beside_its_field_and_not_sent(open_widget: Opener) -> None:
    widget = open_widget("train_form.js", form_state())
    dropout = widget.page.get_by_label("dropout", exact=True)
    network = widget.page.locator("[data-group=Network] summary")
    network.click()
    dropout.fill("1.5")
    network.click()
    expect(dropout).to_be_hidden()
    widget.button("Train").click()
    expect(widget.page.get_by_text("must be less than 1")).to_be_visible()
    expect(dropout).to_be_focused()
    expect(dropout).to_have_attribute("aria-invalid", "true")
    assert widget.sent == []
    dropout.fill("0.5")
    widget.page.keyboard.press("Enter")
    assert widget.sent[0]["params"] == {"dropout": 0.5}


def test_another_algorithm_keeps_what_was_typed(open_widget: Opener) -> None:
    widget = open_widget("train_form.js", form_state())
    widget.page.get_by_label("epochs", exact=True).fill("7")
    widget.page.locator("[data-group=Regularisation] summary").click()
    expect(widget.page.get_by_label("label smoothing")).to_be_visible()
    widget.page.get_by_role("radio").nth(1).check()
    expect(widget.page.get_by_label("label smoothing")).to_have_count(0)
    expect(widget.page.get_by_label("epochs", exact=True)).to_have_value("7")
    widget.page.get_by_label("dataset", exact=True).select_option("iris")
    assert widget.sent == [{"kind": "choose", "dataset": "iris"}]


def test_without_datasets_it_says_what_to_do(open_widget: Opener) -> None:
    widget = open_widget("train_form.js", form_state() | {"datasets": [], "algorithms": []})
    expect(widget.page.get_by_text("%aimass datasets import digits")).to_be_visible()
    expect(widget.button("Train")).to_be_hidden()


def model_row(name: str, accuracy: float | None, **aliases: int) -> dict[str, Any]:
    return {
        "name": name,
        "version": 2,
        "aliases": aliases,
        "task": "classification",
        "algorithm": "classification",
        "metrics": {"accuracy": accuracy},
        "dataset": "digits@1",
        "size_bytes": 312_345,
        "created_at": "2025-01-05T10:00:00.000Z",
        "job": f"job_{name}",
        "tags": [],
        "latency_ms": None,
        "mine": True,
    }


def table_state() -> dict[str, Any]:
    rows = [model_row("a", 0.9), model_row("b", None), model_row(MARKUP, 0.95, production=1)]
    return {"models": rows, "notice": ""}


def test_models_sort_by_a_metric_and_filter_by_name(open_widget: Opener) -> None:
    widget = open_widget("model_table.js", table_state())
    names = widget.page.locator("tbody th")
    widget.button("accuracy").click()
    expect(names.first).to_contain_text(MARKUP)
    assert [text[0] for text in names.all_inner_texts()] == ["<", "a", "b"]
    head = widget.page.get_by_role("columnheader", name=re.compile("accuracy"))
    expect(head).to_have_attribute("aria-sort", "descending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert [text[0] for text in names.all_inner_texts()] == ["a", "<", "b"]
    widget.page.get_by_label("filter by name").fill("production")
    expect(names).to_have_count(1)
    widget.page.get_by_label("filter by name").fill("nothing")
    expect(widget.page.get_by_text("No model has these words.")).to_be_visible()


def test_promote_and_deploy_name_the_version(open_widget: Opener) -> None:
    widget = open_widget("model_table.js", table_state())
    widget.page.get_by_label("alias that Promote gives").fill("staging")
    widget.button("promote a@2").click()
    widget.button("deploy a@2").click()
    assert widget.sent == [
        {"kind": "promote", "model": "a@2", "alias": "staging"},
        {"kind": "deploy", "model": "a@2"},
    ]
    widget.receive(kind="key", endpoint="a", key="k-123")
    widget.change("notice", "a@2 is ready")
    expect(widget.page.get_by_role("status")).to_contain_text(
        "API key of a, shown this once: k-123"
    )
    widget.button("promote a@2").click()
    widget.change("notice", "a@2 is now staging")
    expect(widget.page.get_by_role("status")).not_to_contain_text("k-123")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks_without_a_theme(open_widget: Opener, scheme: str) -> None:
    """Text stands out from what is behind it, in either scheme of the page."""
    widget = open_widget("job_monitor.js", monitor_state())
    widget.page.add_style_tag(content=f":root {{ color-scheme: {scheme}; }}")
    behind, before = widget.page.eval_on_selector(
        ".aimass",
        "node => [getComputedStyle(node).backgroundColor, getComputedStyle(node).color]",
    )
    dark, light = (behind, before) if scheme == "dark" else (before, behind)
    assert sum(map(int, re.findall(r"\d+", dark)[:3])) < 150
    assert sum(map(int, re.findall(r"\d+", light)[:3])) > 600
