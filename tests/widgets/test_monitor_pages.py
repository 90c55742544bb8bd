"""The form of an endpoint, comparisons and monitors in a real page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.widgets.conftest import make_series
from tests.widgets.one_page import CHROMIUM, MARKUP, Opener, Widget

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]

DRAWN = {"name": "image", "kind": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}
EXAMPLE = [[[0] * 8, *([[0, 0, 9, 15, 15, 9, 0, 0]] * 6), [0] * 8]]


def form_state(*inputs: dict[str, Any], example: dict[str, Any] | None = None) -> dict[str, Any]:
    card = {"name": "digits", "model": "digits@1", "state": "ready", "message": ""}
    return {"card": card | {"inputs": [*inputs], "example": example or {}}, "answer": {}}


def one_input(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "datatype": "FP64", "shape": [-1], "values": None} | more


def sent(widget: Widget, kind: str) -> list[dict[str, Any]]:
    return [message for message in widget.sent if message["kind"] == kind]


def test_a_form_sends_a_value_for_every_input(open_widget: Opener) -> None:
    inputs = [
        one_input("months", "number", datatype="INT64"),
        one_input("plan", "choice", values=["basic", "plus"]),
        one_input("paperless", "boolean"),
        one_input("note", "text"),
        one_input("shape", "list"),
    ]
    example = {"months": 3, "plan": "plus", "paperless": True, "note": "a", "shape": [1, 2]}
    widget = open_widget("predict_form.js", form_state(*inputs, example=example))
    widget.page.get_by_label("months").fill("1.5")
    widget.button("Predict").click()
    expect(widget.page.get_by_role("alert").last).to_have_text("months: '1.5' is no whole number.")
    expect(widget.page.get_by_label("months")).to_be_focused()
    assert sent(widget, "predict") == []
    widget.page.get_by_label("months").fill("")
    widget.page.get_by_label("plan").select_option("basic")
    widget.page.get_by_label("months").press("Enter")
    row = {"months": None, "plan": "basic", "paperless": True, "note": "a", "shape": [1, 2]}
    assert sent(widget, "predict") == [{"kind": "predict", "rows": [row]}]
    told = {"value": MARKUP, "classes": [[MARKUP, 0.9], ["b", 0.1]]}
    widget.receive(kind="answer", model="digits@1", rows=[told])
    expect(widget.page.get_by_test_id("aimass-best")).to_have_text(MARKUP)
    expect(widget.page.get_by_text("90 %")).to_be_visible()
    assert widget.page.locator("#root :is(img, script)").count() == 0


def test_a_picture_is_drawn_and_sent_as_the_model_takes_it(open_widget: Opener) -> None:
    widget = open_widget("predict_form.js", form_state(DRAWN, example={"image": EXAMPLE}))
    widget.button("Predict").click()
    assert sent(widget, "predict")[0]["rows"][0]["image"] == EXAMPLE
    widget.page.get_by_role("button", name="clear the picture").click()
    widget.button("Predict").click()
    expect(widget.page.get_by_text("image: draw something, or drop a picture.")).to_be_visible()
    box = widget.page.get_by_test_id("aimass-pad-image").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    widget.page.mouse.move(middle, box["y"] + 10)
    widget.page.mouse.down()
    widget.page.mouse.move(middle, box["y"] + box["height"] - 10, steps=8)
    widget.page.mouse.up()
    widget.button("Predict").click()
    [plane] = sent(widget, "predict")[1]["rows"][0]["image"]
    assert all(0 <= value <= 16 for row in plane for value in row)
    assert all(row[0] == row[7] == 0 for row in plane)  # nothing beside the stroke
    assert min(max(row[3], row[4]) for row in plane[1:7]) >= 8


def test_a_picture_that_is_dropped_is_taken_and_what_is_none_is_said(open_widget: Opener) -> None:
    widget = open_widget("predict_form.js", form_state(DRAWN, example={"image": EXAMPLE}))
    drop = """async ([name, bright]) => {
        const pad = document.querySelector('[data-testid=aimass-pad-image]');
        let content = new Blob(['no picture'], { type: 'image/png' });
        if (bright) {
            const canvas = document.createElement('canvas');
            Object.assign(canvas, { width: 30, height: 30 });
            const context = canvas.getContext('2d');
            context.fillStyle = 'white';
            context.fillRect(0, 0, 30, 30);
            content = await new Promise(told => canvas.toBlob(told));
        }
        const carried = new DataTransfer();
        carried.items.add(new File([content], name, { type: 'image/png' }));
        pad.dispatchEvent(new DragEvent('drop', { dataTransfer: carried, cancelable: true }));
    }"""
    widget.page.evaluate(drop, ["broken.png", False])
    expect(widget.page.get_by_text("broken.png is no picture")).to_be_visible()
    widget.page.evaluate(drop, ["white.png", True])
    expect(widget.page.get_by_text("white.png", exact=True)).to_be_visible()
    widget.button("Predict").click()
    assert sent(widget, "predict")[0]["rows"][0]["image"] == [[[16] * 8] * 8]


def test_a_form_that_may_not_ask_is_not_shown(open_widget: Opener) -> None:
    state = form_state(one_input("x", "number")) | {"may": []}
    widget = open_widget("predict_form.js", state)
    expect(widget.page.get_by_text("digits@1 · ready")).to_be_visible()
    expect(widget.button("Predict")).to_be_hidden()
    expect(widget.button("Many rows")).to_be_hidden()


def compare_state() -> dict[str, Any]:
    runs = [
        {"id": f"run_{at}", "name": name, "state": "succeeded"}
        for at, name in enumerate(("wide", MARKUP))
    ]
    scores = {"last": [0.4, None], "best": [0.3, None], "winner": 0}
    table = {"runs": runs, "params": {MARKUP: [1, None]}, "metrics": {"loss": scores}}
    curves = [make_series(f"{at}|loss/train", [3.0, 2.0, 1.0]) for at in range(2)]
    kept = {"tag", "steps", "values"}
    series = [one.model_dump(include=kept) for one in curves]
    history = {"revision": 1, "series": series, "lines": []}
    return {"table": table, "history": history, "connection": "ended"}


def test_a_run_is_hidden_and_shown_with_the_keyboard(open_widget: Opener) -> None:
    widget = open_widget("run_compare.js", compare_state())
    lines = widget.page.locator("path.aimass-line")
    expect(lines).to_have_count(2)
    widget.page.get_by_role("button", name="hide wide").press("Enter")
    expect(lines).to_have_count(1)
    shown = widget.page.get_by_role("button", name="show wide")
    expect(shown).to_be_focused()
    expect(shown).to_have_attribute("aria-pressed", "false")
    expect(widget.page.get_by_role("cell", name="0.4 (best 0.3) best")).to_be_visible()
    assert widget.page.locator("#root :is(img, script)").count() == 0
    more = make_series(f"1|loss/{MARKUP}", [1.0, 2.0]).model_dump(
        include={"tag", "steps", "values"}
    )
    widget.receive(kind="more", **{"from": 1}, revision=2, series=[more], lines=[])
    expect(lines).to_have_count(2)
    assert widget.sent[0] | {"id": ""} == {"kind": "view", "id": "", "open": True}
    widget.page.evaluate("leave()")
    assert widget.sent[-1] == {"kind": "view", "id": widget.sent[0]["id"], "open": False}


def endpoint_state() -> dict[str, Any]:
    latency = {"p50_ms": 2.5, "p90_ms": 4.0, "p99_ms": None}
    share = {"model": "digits@2", "requests": 3, "errors": 1, "share": 0.75}
    card = {
        "endpoint": MARKUP, "model": "digits@2", "state": "ready", "message": MARKUP,
        "window_seconds": 900, "requests": 4, "errors": 1, "refused": 0, "latency": latency,
        "requests_per_second": 0.1, "versions": [share], "previous": "digits@1",
        "replicas": [{"model": "digits@2", "state": "ready", "waiting": 0}],
    }  # fmt: skip
    columns = {name: [2, 2] for name in ("requests", "errors", "refused")}
    times = {name: [1.0, None] for name in ("p50_ms", "p90_ms", "p99_ms")}
    course = {"at": [1000, 1010], "until": 1020} | columns | times
    return {"card": card, "course": course, "connection": "live", "notice": ""}


def test_going_back_and_stopping_ask_first(open_widget: Opener) -> None:
    widget = open_widget("endpoint_monitor.js", endpoint_state())
    expect(widget.page.get_by_role("status").first).to_have_text("ready")
    expect(widget.page.get_by_role("cell", name="75 %")).to_be_visible()
    widget.button("Stop").click()
    expect(widget.button("Cancel")).to_be_focused()
    widget.page.keyboard.press("Escape")
    expect(widget.button("Stop")).to_be_focused()
    assert sent(widget, "stop") == []
    widget.button("Roll back").click()
    expect(widget.page.get_by_text("Serve digits@1 again?")).to_be_visible()
    widget.button("Roll back").click()
    assert sent(widget, "rollback") == [{"kind": "rollback"}]
    widget.change("may", [])
    expect(widget.button("Stop")).to_have_count(0)
    widget.change("connection", "reconnecting")
    expect(widget.page.get_by_role("status").first).to_have_text("ready · reconnecting")
    assert widget.page.locator("#root :is(img, script)").count() == 0


def test_a_cluster_shows_who_uses_it_and_only_managers_drain(open_widget: Opener) -> None:
    now = {"cpu_percent": 95.0, "memory_bytes": 2e9, "memory_percent": 20.0, "disk_bytes": 1e9,
           "disk_percent": 50.0, "received_bytes_per_second": 10.0,
           "sent_bytes_per_second": 20.0}  # fmt: skip
    node = {"name": "alpha", "state": "ready", "reason": "", "profile": "", "slots": 4,
            "slots_used": 1, "cpus": 2, "now": now}  # fmt: skip
    down = node | {"name": "beta", "state": "down", "reason": MARKUP, "now": None}
    use = {"job": "", "name": "", "owner": "", "node": "alpha", "processes": 2,
           "cpu_percent": 50.0, "memory_bytes": 1e6}  # fmt: skip
    state = {
        "card": {"name": "lab", "state": "running", "slots": 8, "slots_used": 1,
                 "nodes": [node, down]},
        "jobs": {"using": [use], "waiting": []},
        "course": {},
        "connection": "live",
        "may": ["drain", "resume"],
    }  # fmt: skip
    widget = open_widget("cluster_monitor.js", state)
    expect(widget.page.get_by_role("meter")).to_have_attribute("aria-valuenow", "1")
    expect(widget.page.get_by_text("jobs of other tenants")).to_be_visible()
    expect(widget.page.get_by_text("No job waits for it.")).to_be_visible()
    widget.button("drain alpha").click()
    assert sent(widget, "drain") == [{"kind": "drain", "node": "alpha"}]
    expect(widget.button("resume beta")).to_have_count(0)
    widget.change("may", [])
    expect(widget.button("drain alpha")).to_have_count(0)
    assert widget.page.locator("#root :is(img, script)").count() == 0
