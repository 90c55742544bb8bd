"""The model selector: choose, train, promote, deploy; what the control plane refuses is shown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aimass_jupyter.contract.algorithms import ALGORITHMS, Recommendation
from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.datasets import Dataset, DatasetVersion
from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.errors import InvalidRequest, Unavailable
from aimass_jupyter.contract.jobs import JobCreate
from aimass_jupyter.contract.models import Model, ModelVersion, Signature
from aimass_jupyter.widgets import ModelSelector
from aimass_jupyter.widgets.actions import ActionWidget
from aimass_jupyter.widgets.train_form import run_schema
from tests.widgets.conftest import STARTED, ScriptedControlPlane, make_job

SIGNATURE = Signature(inputs=[], outputs=[], example={})
DONE = {"state": "succeeded", "model": "digits@1", "metrics": {"accuracy": 0.98}}


def make_dataset(name: str) -> Dataset:
    latest = DatasetVersion(
        rows=1797,
        columns=[],
        label="digit",
        task="classification",
        source="scikit-learn",
        version=2,
        digest="d",
        size_bytes=1,
        created_at=STARTED,
    )
    known = {"id": f"ds_{name}", "owner": "ada", "tenant": "default", "description": "", "tags": []}
    return Dataset(name=name, created_at=STARTED, versions=2, latest=latest, **known)


def make_model(name: str, aliases: dict[str, int]) -> Model:
    latest = ModelVersion(
        version=3,
        digest="d",
        size_bytes=4096,
        task="classification",
        algorithm="classification",
        metrics={"accuracy": 0.98},
        signature=SIGNATURE,
        dataset="digits@2",
        job="job_1",
        created_at=STARTED,
    )
    known = {"id": f"model_{name}", "owner": "ada", "tenant": "default", "versions": 3}
    return Model(name=name, created_at=STARTED, aliases=aliases, latest=latest, **known)


def make_endpoint(model: str) -> Endpoint:
    return Endpoint(
        id="ep_1",
        name="digits",
        owner="ada",
        tenant="default",
        url="http://127.0.0.1:9/v2/models/digits",
        model=model,
        state="ready",
        signature=SIGNATURE,
        created_at=STARTED,
        deployed_at=STARTED,
        key="secret-key-shown-once",
    )


def recommend(request: dict[str, Any]) -> Page[Recommendation]:
    """The algorithms in an order that depends on the dataset."""
    names = ["classification", "regression"]
    found = names if request["dataset"] == "digits" else names[::-1]
    described = [ALGORITHMS[name].describe().model_dump() for name in found]
    reasons = ["it suits", "it does not"]
    items = [Recommendation(**one, reason=why) for one, why in zip(described, reasons, strict=True)]
    return Page[Recommendation](items=items)


def eventually(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def press(widget: ActionWidget, kind: str, **content: Any) -> None:
    """What arrives when a button is pressed in a page, and the work it starts."""
    data = {"method": "custom", "content": {"kind": kind, **content}}
    widget._handle_msg({"content": {"data": data}, "buffers": []})
    eventually(lambda: widget.busy == "")


@pytest.fixture
def models(control_plane: ScriptedControlPlane) -> list[Model]:
    """The models that there are; a test may add some."""
    models = [make_model("digits", {"production": 2})]
    datasets = [make_dataset("digits"), make_dataset("diabetes")]
    control_plane.answers |= {
        "GET datasets": lambda _: Page[Dataset](items=datasets),
        "GET algorithms": recommend,
        "GET models": lambda _: Page[Model](items=models),
    }
    return models


@pytest.fixture
def selector(control_plane: ScriptedControlPlane, models: list[Model]) -> Iterator[ModelSelector]:
    with control_plane.client() as client:
        selector = ModelSelector(client)
        yield selector
        for monitor in selector.monitors:
            monitor.close()
        selector.close()
        for thread in threading.enumerate():
            if thread.name.startswith("follow "):
                thread.join(60)


def test_showing_it_asks_for_what_there_is(selector: ModelSelector) -> None:
    data, _ = selector._repr_mimebundle_()
    assert [card["name"] for card in selector.form.datasets] == ["digits", "diabetes"]
    assert selector.form.dataset == "digits"
    assert [one["reason"] for one in selector.form.algorithms] == ["it suits", "it does not"]
    assert data["text/plain"].splitlines() == [
        "datasets: digits, diabetes",
        "model digits@3 (production): accuracy 0.98",
        "next: %aimass train --dataset … --algorithm …",
    ]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_name_in_place_of_a_client_is_told() -> None:
    name: Any = "digits"
    with pytest.raises(InvalidRequest, match="takes a client, and not a name"):
        ModelSelector(name)


def test_without_a_control_plane_it_says_so_and_still_shows(
    selector: ModelSelector, control_plane: ScriptedControlPlane
) -> None:
    def away(_: object) -> None:
        raise Unavailable("no control plane answers", "start one: aimass up")

    control_plane.answers |= {"GET datasets": away, "GET models": away}
    data, _ = selector._repr_mimebundle_()
    assert selector.form.problem["hint"] == "start one: aimass up"
    assert selector.table.problem["message"] == "no control plane answers"
    assert data["text/plain"].startswith("datasets: none yet")


def test_choosing_a_dataset_ranks_the_algorithms_again(selector: ModelSelector) -> None:
    selector._repr_mimebundle_()
    press(selector.form, "choose", dataset="diabetes")
    assert selector.form.dataset == "diabetes"
    assert selector.form.algorithms[0]["name"] == "regression"
    assert selector.form.algorithms[0]["hyperparameters"]["properties"]["epochs"]["minimum"] == 1


def test_the_form_asks_for_all_that_a_job_takes() -> None:
    asked = run_schema()["properties"]
    first = [name for name, field in asked.items() if "x-group" not in field]
    assert first == ["name", "np", "engine", "label", "seed"]
    elsewhere = {"dataset", "algorithm", "params", "source", "arguments"}
    assert set(asked) == set(JobCreate.model_fields) - elsewhere


def test_training_submits_the_form_and_shows_the_job(
    selector: ModelSelector, control_plane: ScriptedControlPlane, models: list[Model]
) -> None:
    control_plane.answers["POST jobs"] = lambda _: make_job(state="queued")
    control_plane.tell(make_job(state="queued"))
    selector._repr_mimebundle_()
    press(
        selector.form,
        "train",
        dataset="digits",
        algorithm="classification",
        params={"epochs": 3},
        run={"np": 2, "engine": "horovod", "unasked": 1},
    )
    (sent,) = [fields for verb, fields in control_plane.asked if verb == "POST jobs"]
    assert sent == {
        "dataset": "digits",
        "algorithm": "classification",
        "params": {"epochs": 3},
        "np": 2,
        "engine": "horovod",
    }
    assert selector.form.submitted.startswith("submitted job digits (job_")
    (monitor,) = selector.monitors
    assert monitor.card["state"] == "queued"

    models.append(make_model("digits-2", {}))
    control_plane.tell(make_job(**DONE))
    eventually(lambda: len(selector.table.models) == 2)


def test_what_the_control_plane_refuses_is_shown_beside_the_button(
    selector: ModelSelector, control_plane: ScriptedControlPlane
) -> None:
    def refuse(_: object) -> None:
        raise InvalidRequest("np 9 is more than the 2 slots of this machine", "take 2 or fewer")

    control_plane.answers["POST jobs"] = refuse
    selector._repr_mimebundle_()
    run = {"np": 9}
    press(selector.form, "train", dataset="digits", algorithm="classification", run=run)
    assert selector.form.problem["message"].startswith("np 9 is more than")
    assert selector.monitors == ()
    press(selector.form, "train", dataset="digits", algorithm="classification", run={"np": -1})
    assert "-1" in selector.form.problem["message"]


def test_promoting_and_deploying_show_what_came_of_it(
    selector: ModelSelector, control_plane: ScriptedControlPlane, models: list[Model]
) -> None:
    def promote(request: dict[str, Any]) -> Model:
        models[0] = make_model("digits", {request["alias"]: 3})
        return models[0]

    control_plane.answers |= {
        "POST aliases": promote,
        "POST endpoints": lambda request: make_endpoint(request["model"]),
    }
    selector._repr_mimebundle_()
    sent: list[Any] = []
    selector.table.send = lambda content, buffers=None: sent.append(content)
    press(selector.table, "promote", model="digits@3", alias="staging")
    assert selector.table.notice == "digits@3 is now staging"
    assert selector.table.models[0]["aliases"] == {"staging": 3}
    press(selector.table, "deploy", model="digits@3")
    assert selector.table.notice == "digits@3 is ready at http://127.0.0.1:9/v2/models/digits"
    assert sent == [{"kind": "key", "endpoint": "digits", "key": "secret-key-shown-once"}]


def test_a_key_is_never_part_of_what_is_saved(
    selector: ModelSelector, control_plane: ScriptedControlPlane
) -> None:
    control_plane.answers["POST endpoints"] = lambda request: make_endpoint(request["model"])
    selector._repr_mimebundle_()
    press(selector.table, "deploy", model="digits@3")
    state = {name: selector.table.get_state(name)[name] for name in ("models", "notice", "problem")}
    assert "secret-key" not in json.dumps(state)
    assert "secret-key" not in str(selector.table.get_state())


def test_the_state_has_no_more_than_the_page_shows(selector: ModelSelector) -> None:
    selector._repr_mimebundle_()
    assert "owner" not in selector.table.models[0]
    assert set(selector.form.datasets[0]) == {"name", "columns", "version", "rows", "label", "task"}
