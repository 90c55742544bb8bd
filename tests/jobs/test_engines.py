"""Which engine a job gets, and what is said where Horovod could not be built."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aimass_jupyter.contract.datasets import Column, Dataset, DatasetVersion
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import JobCreate
from aimass_server.access import Call, Principal
from aimass_server.jobs.engines import find_engines
from aimass_server.jobs.submission import Submission, prepare

ALL = {"single": "", "horovod": "", "torchrun": ""}
NO_HOROVOD = ALL | {"horovod": "horovod is not installed"}

DATASET = Dataset(
    id="ds_x",
    name="d",
    owner="ada",
    tenant="default",
    description="",
    tags=[],
    created_at=utc_now(),
    versions=1,
    latest=DatasetVersion(
        rows=3,
        columns=[
            Column(name="x", kind="number", type="double"),
            Column(name="y", kind="category", type="string", distinct=2),
        ],
        label="y",
        task="classification",
        source="made here",
        version=1,
        digest="0" * 64,
        size_bytes=1,
        created_at=utc_now(),
    ),
)


def _prepare(engines: dict[str, str], **request: object) -> Submission:
    call = Call(Principal("ada", "author"), "jobs.submit")
    wanted = JobCreate(dataset="d", algorithm="classification", **request)  # type: ignore[arg-type]
    return prepare(call, wanted, DATASET, 4, engines)


@pytest.mark.parametrize(
    ("engines", "np", "engine"),
    [(ALL, 1, "single"), (ALL, 2, "horovod"), (NO_HOROVOD, 2, "torchrun")],
)
def test_auto_takes_what_there_is(engines: dict[str, str], np: int, engine: str) -> None:
    assert _prepare(engines, np=np).job.engine == engine


def test_horovod_that_is_not_there_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidRequest) as raised:
        _prepare(NO_HOROVOD, np=2, engine="horovod")
    assert "horovod is not installed" in raised.value.message
    assert "torchrun" in raised.value.hint


def test_hyperparameters_come_with_their_defaults() -> None:
    params = _prepare(ALL, params={"epochs": 3}).job.params
    assert params["epochs"] == 3
    assert params["optimizer"] == "adamw"


def test_the_environment_is_asked_which_engines_it_has() -> None:
    found = asyncio.run(find_engines())
    assert found["single"] == ""
    assert set(found) >= {"single", "horovod", "torchrun"}


@pytest.mark.parametrize("name", ["word_dropout", "word_swap", "text_slots", "text_words"])
def test_what_is_for_texts_is_refused_where_there_are_none(name: str) -> None:
    value = 100 if name.startswith("text_") else 0.1
    with pytest.raises(InvalidRequest) as raised:
        _prepare(ALL, params={name: value})
    assert f"--{name.replace('_', '-')} is for texts" in raised.value.message
    assert "leave it out" in raised.value.hint


@pytest.mark.parametrize(
    ("params", "said", "cure"),
    [
        ({"schedule": "one-cycle", "warm_up": 0.1}, "--warm-up does nothing without", "cosine"),
        ({"schedule": "step", "last_rate": 0.1}, "--last-rate does nothing without", "one-cycle"),
        ({"local_steps": 4}, "--local-steps says how ranks meet, and there is one", "--np 2"),
        ({"collectives": "engine"}, "--collectives says how ranks meet", "--np 2"),
        ({"architecture": "linear", "dropout": 0.2}, "--dropout is of hidden layers", "leave one"),
        ({"layers": 3, "architecture": "cnn"}, "--layers is for mlp", "--architecture mlp"),
        ({"ensemble": "boosting", "shrinkage": 0.1}, "--shrinkage is of boosted", "leave it out"),
        ({"class_weights": {"a": -1}}, "--class-weights gives class 'a' -1", "larger numbers"),
        ({"accumulate": 65}, "--accumulate 65 cuts 64 rows", "--accumulate 64 or less"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    params: dict[str, Any], said: str, cure: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        _prepare(ALL, params=params)
    assert said in raised.value.message
    assert cure in raised.value.hint
