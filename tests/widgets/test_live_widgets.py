"""The live widgets on a real control plane: what they show, as text and as a picture, and do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.models import TensorSpec
from aimass_jupyter.contract.runs import MAX_COMPARED
from aimass_jupyter.widgets import (
    ClusterMonitor,
    EndpointMonitor,
    JobMonitor,
    ModelSelector,
    PredictForm,
    RunCompare,
)
from aimass_jupyter.widgets.live import LiveWidget
from aimass_jupyter.widgets.model_table import ModelTable
from aimass_jupyter.widgets.predict_form import kind_of
from aimass_jupyter.widgets.run_compare import best_of

MAX_STATE_BYTES = 100_000


@pytest.fixture(scope="module")
def endpoint(client: Client, trained: Job) -> Iterator[Endpoint]:
    yield client.endpoints.deploy("iris", name="live")
    client.endpoints.delete("live")


@pytest.fixture
def viewer(client: Client) -> Iterator[Client]:
    """A client of somebody who may look and predict."""
    token = client.tokens.create("looks", role="viewer")
    with Client(Address(client.url, token.value)) as viewer:
        yield viewer


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def shown(widget: LiveWidget | PredictForm) -> tuple[str, str]:
    """The text and the picture that a notebook keeps."""
    data, _ = widget._repr_mimebundle_()
    return data["text/plain"], data.get("image/svg+xml", "")


def state_bytes(widget: LiveWidget | PredictForm) -> int:
    """What the comm carries besides the module and the style."""
    state = {k: v for k, v in widget.get_state().items() if k not in ("_esm", "_css")}
    return len(json.dumps(state, default=str))


def test_runs_over_each_other(client: Client, trained: Job) -> None:
    other = client.jobs.submit(
        dataset="iris", algorithm="classification", params={"epochs": 2}, name="iris-short"
    )
    client.wait(other.id)
    compare = RunCompare([trained, "iris-short"], client)
    text, picture = shown(compare)
    assert compare.connection == "ended"
    assert [run["id"] for run in compare.table["runs"]] != []
    assert compare.table["params"]["epochs"] == [5, 2]
    winner = compare.table["metrics"]["log_loss"]["winner"]
    assert f"best log_loss: {('iris', 'iris-short')[winner]}" in text
    tags = {one["tag"] for one in compare.whole()["series"]}
    assert {"0|loss/train", "1|loss/train", "0|accuracy/validation"} <= tags
    assert state_bytes(compare) < MAX_STATE_BYTES
    svg = ElementTree.fromstring(picture)
    assert len(svg.findall(".//{*}path")) >= 4
    compare.close()


def test_runs_that_go_on_are_followed_to_their_end(client: Client, trained: Job) -> None:
    job = client.jobs.submit(
        dataset="iris", algorithm="classification", params={"epochs": 4}, name="iris-now"
    )
    compare = RunCompare([trained, job], client)
    compare.pace_seconds = 0.1
    compare.start()
    eventually(lambda: compare.connection == "ended")
    whole = client.runs.metrics(job.id)
    points = {one.tag: one.steps for one in whole.series}
    kept = {one["tag"]: one["steps"] for one in compare.whole()["series"]}
    assert kept["1|loss/train"] == points["loss/train"]
    compare.close()


def test_what_cannot_be_compared_is_said(client: Client) -> None:
    with pytest.raises(InvalidRequest, match=f"{MAX_COMPARED + 1} runs cannot be compared"):
        RunCompare(["x"] * (MAX_COMPARED + 1), client)
    text, _ = shown(RunCompare(["never-there"], client))
    assert "there is no run 'never-there'" in text


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("accuracy", [0.5, None, 0.9], 2),
        ("loss/train", [0.5, 0.1, None], 1),
        ("accuracy", [0.5, 0.5], None),
        ("learning_rate", [0.1, 0.2], None),
        ("f1", [None, None], None),
    ],
)
def test_the_best_run_of_a_metric(
    metric: str, values: list[float | None], best: int | None
) -> None:
    assert best_of(metric, values) == best


@pytest.mark.parametrize(
    ("datatype", "shape", "values", "kind"),
    [
        ("FP64", [-1], None, "number"),
        ("INT64", [-1], None, "number"),
        ("BOOL", [-1], None, "boolean"),
        ("BYTES", [-1], None, "text"),
        ("BYTES", [-1], ["a", "b"], "choice"),
        ("FP32", [-1, 8, 8], None, "image"),
        ("FP32", [-1, 1, 8, 8], None, "image"),
        ("FP32", [-1, 3, 32, 32], None, "image"),
        ("FP32", [-1, 7, 32, 32], None, "list"),
        ("FP32", [-1, 16], None, "list"),
    ],
)
def test_how_an_input_is_asked_for(
    datatype: str, shape: list[int], values: list[str] | None, kind: str
) -> None:
    assert kind_of(TensorSpec(name="x", datatype=datatype, shape=shape, values=values)) == kind


def test_a_form_asks_and_says_what_is_wrong(client: Client, endpoint: Endpoint) -> None:
    form = PredictForm(endpoint, client)
    text, _ = shown(form)
    assert text.splitlines()[0] == "live · iris@1 · ready"
    form.act_now("predict", rows=[form.card["example"]] * 3)
    assert form.problem is None
    assert (form.answer["count"], len(form.answer["rows"])) == (3, 3)
    assert sum(share for _, share in form.answer["rows"][0]["classes"]) == pytest.approx(
        1, abs=0.01
    )
    assert f"answer: {form.answer['rows'][0]['value']} (" in form.text()
    form.act_now("predict", rows=[{"sepal_length": 1}])
    assert form.problem is not None
    assert "is missing" in form.problem["message"]
    form.act_now("predict", rows=[])
    assert form.problem["message"] == "there is no row to predict"
    assert form.ask([form.card["example"]]).endpoint == "live"
    assert state_bytes(form) < MAX_STATE_BYTES
    assert "there is no endpoint 'nowhere'" in shown(PredictForm("nowhere", client))[0]


def test_an_endpoint_is_watched_rolled_back_and_stopped(client: Client, trained: Job) -> None:
    client.endpoints.deploy("iris", name="watched")
    monitor = EndpointMonitor("watched", client)
    monitor.pace_seconds = 0.1
    monitor.start()
    assert monitor.may == ["stop"]
    example = client.models.show("iris").selected.signature.example
    for _ in range(3):
        client.endpoints.predict("watched", [example])
    eventually(lambda: monitor.card["requests"] == 3)
    eventually(lambda: sum(monitor.course.get("requests", [])) == 3)  # set a moment later
    assert monitor.card["latency"]["p50_ms"] > 0
    text, picture = shown(monitor)
    assert "3 requests, 0 errors, 0 refused" in text
    assert "<path" in picture
    other = client.models.list(search="iris").items
    another = next(one.name for one in other if one.name != "iris")
    client.endpoints.deploy(another, name="watched")
    eventually(lambda: "rollback" in monitor.may)
    monitor.act_now("rollback")
    assert monitor.notice == "watched serves iris@1 again"
    monitor.act_now("stop")
    assert monitor.problem is None
    assert (monitor.card["state"], monitor.connection, monitor.may) == ("stopped", "ended", [])
    assert "watched" not in [one.name for one in client.endpoints.list().items]
    monitor.close()


def test_a_cluster_is_watched_with_who_uses_it(client: Client, trained: Job) -> None:
    job = client.jobs.submit(
        dataset="iris", algorithm="classification", params={"epochs": 100_000}, name="uses-it"
    )
    monitor = ClusterMonitor(client=client)
    monitor.pace_seconds = 0.1
    monitor.start()
    try:
        eventually(lambda: "uses-it" in [one["name"] for one in monitor.jobs["using"]])
        eventually(lambda: monitor.card["nodes"][0]["now"])
        text, _ = shown(monitor)
        assert "uses-it" in text
        assert state_bytes(monitor) < MAX_STATE_BYTES
    finally:
        client.jobs.stop(job.id)
        monitor.close()


def test_a_viewer_is_offered_looking_and_asking_alone(
    client: Client, viewer: Client, endpoint: Endpoint, trained: Job
) -> None:
    job = client.jobs.submit(
        dataset="iris", algorithm="classification", params={"epochs": 100_000}, name="goes-on"
    )
    try:
        offered = {}
        for widget in (EndpointMonitor("live", viewer), ClusterMonitor(client=viewer),
                       RunCompare(["iris"], viewer), JobMonitor(job.id, viewer)):  # fmt: skip
            widget.start()
            offered[type(widget).__name__] = widget.may
            widget.close()
        assert not any(offered.values())
    finally:
        client.jobs.stop(job.id)
    form, table = PredictForm("live", viewer), ModelTable(viewer)
    form.act_now("load")
    table.act_now("load")
    assert (form.may, table.may) == (["predict"], [])
    selector = ModelSelector(viewer)
    selector._repr_mimebundle_()
    assert selector.form.may == []
    assert selector.table.may == ["compare"]
    selector.close()


def test_compared_and_deployed_from_the_selector(client: Client, trained: Job) -> None:
    selector = ModelSelector(client)
    selector._repr_mimebundle_()
    names = [f"{row['name']}@{row['version']}" for row in selector.table.models][:2]
    selector.table.act_now("compare", models=names)
    assert selector.comparison is not None
    assert len(selector.comparison.runs) == 2
    eventually(lambda: selector.comparison.connection == "ended")
    selector.table.act_now("compare", models=names[:1])
    assert selector.table.problem["message"] == "1 models cannot be compared"
    selector.table.act_now("deploy", model="iris@1")
    assert selector.predict_form is not None
    eventually(lambda: selector.predict_form.card)
    assert selector.predict_form.card["model"] == "iris@1"
    client.endpoints.delete("iris")
    selector.close()


def test_a_view_that_nobody_sees_asks_for_nothing(client: Client, endpoint: Endpoint) -> None:
    looks = []

    class Counted(EndpointMonitor):
        pace_seconds = 0.02

        def look(self) -> Callable[[], None]:
            looks.append(threading.current_thread())
            return super().look()

    monitor = Counted("live", client)
    monitor.start()
    eventually(lambda: len(looks) > 2)
    monitor._handle_custom_msg({"kind": "view", "id": "1", "open": True}, [])
    monitor._handle_custom_msg({"kind": "view", "id": "1", "open": False}, [])
    eventually(lambda: monitor._resting)
    before = -1
    deadline = time.monotonic() + 60
    while before != len(looks):  # what was under way ends, and nothing follows it
        assert time.monotonic() < deadline, "it goes on asking"
        before = len(looks)
        time.sleep(0.3)
    monitor._handle_custom_msg({"kind": "view", "id": "2", "open": True}, [])
    eventually(lambda: len(looks) > before)
    thread = looks[-1]
    monitor.close()
    thread.join(60)
    assert not thread.is_alive()
