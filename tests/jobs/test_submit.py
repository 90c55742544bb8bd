"""Submitting: what is wrong is told in one line before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import Conflict, InvalidRequest, NotFound
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.table import OPERATIONS

GOOD: dict[str, Any] = {"dataset": "iris", "algorithm": "classification"}


@pytest.fixture(scope="module", autouse=True)
def _datasets(client: Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    client.datasets.import_("iris")
    path = tmp_path_factory.mktemp("csv") / "unlabelled.csv"
    path.write_text("a,b\n1,2.5\n2,3.25\n3,1.125\n")
    client.datasets.import_(path)


@pytest.mark.parametrize(
    ("wrong", "said", "cure"),
    [
        ({"dataset": "irsi"}, "there is no dataset 'irsi'", "did you mean 'iris'"),
        ({"dataset": "iris@9"}, "no version '9'", "versions: 1"),
        ({"algorithm": "clasification"}, "no algorithm 'clasification'", "'classification'"),
        ({"params": {"epochss": 3}}, "no option '--epochss'", "did you mean 'epochs'"),
        (
            {"algorithm": None, "dataset": None, "params": {"datset": "iris", "epochs": 3}},
            "no option '--datset'",
            "did you mean 'dataset'",
        ),
        ({"params": {"epochs": 0}}, "--epochs 0: it must be 1 or more", "Passes over"),
        ({"params": {"epochs": "many"}}, "--epochs 'many'", "Passes over"),
        ({"label": "sepal_width"}, "'sepal_width' is a continuous number", "take --algorithm"),
        ({"np": 4000}, "--np 4000 is more than", "slots"),
        ({"np": 0}, "np: it must be 1 or more (given: 0)", "Ranks"),
        ({"np": "two"}, "np: it must be a whole number (given: 'two')", "Ranks"),
        ({"memory": "10"}, "10 bytes are too few for a process: write it like 500MB", "4GB"),
        ({"max_time": "2x"}, "max_time: '2x' is none: write it like 90s, 45m", "Time"),
        ({"deadline": "2020-01-01T00:00Z"}, "--deadline 2020-01-01 00:00 UTC has passed", "8h"),
        ({"deadline": "9999999999d"}, "is further away than there are dates", "8h from now"),
        ({"deadline": "0001-01-01T00:00+09:00"}, "is further away than there are", "8h from now"),
        ({"memory": "90TB"}, "--memory 92160GB is more than its", "larger nodes"),
        ({"name": "a b"}, "name: it must begin with a letter or digit", "Name of the job"),
        ({"engine": "spark"}, "engine", "torchrun"),
        ({"engine": "single", "np": 2}, "'single' runs one rank", "--engine"),
        ({"np": 2, "min_np": 3}, "--np 2 is not between --min-np 3", "--min-np"),
        ({"np": 2, "max_np": 1}, "and --max-np 1", "--min-np"),
        ({"engine": "single", "max_np": 2}, "'single' runs one rank, --max-np is 2", "--engine"),
        ({"np": 2, "min_np": 2}, "nothing about the job is elastic", "--max-restarts"),
        ({"np": 4000, "min_np": 3999}, "--min-np 3999 is more than", "or less"),
        ({"params": {"layout": "contiguous"}}, "--layout is for images", "leave it out"),
        ({"label": "speces"}, "no column 'speces'", ""),
        ({"dataset": "unlabelled"}, "has no label", "--label b"),
        ({"dataset": "unlabelled", "label": "c"}, "no column 'c'", ""),
        ({"name": "no/slash"}, "name", ""),
        ({"algorithm": "regression", "label": "species"}, "", ""),
    ],
)
def test_a_wrong_request_is_refused_with_a_cure(
    client: Client, wrong: dict[str, Any], said: str, cure: str
) -> None:
    before = len(client.jobs.list().items)
    with pytest.raises((InvalidRequest, NotFound)) as raised:
        client.jobs.submit(**GOOD | wrong)
    assert said in raised.value.message
    assert cure in str(raised.value) or any(cure in str(d) for d in raised.value.details)
    assert len(client.jobs.list().items) == before


def test_what_all_ranks_need_together_must_be_there(client: Client) -> None:
    memory = client.nodes.list("local").items[0].memory_bytes
    with pytest.raises(InvalidRequest) as raised:
        client.jobs.submit(**GOOD, np=2, memory=memory // 2 + 1)
    assert "for each of 2 ranks is more than its" in raised.value.message


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slots": 4000}, "--slots 4000 is more than its"),
        ({"memory": "90TB"}, "is more than its"),
        ({"deadline": "2020-01-01T00:00Z"}, "--deadline 2020-01-01 00:00 UTC has passed"),
    ],
)
def test_other_work_that_could_never_begin_is_refused_as_well(
    client: Client, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        client.jobs.export("iris", **wrong)
    assert said in raised.value.message


def test_the_same_idempotency_key_gives_the_same_job(client: Client) -> None:
    operation = OPERATIONS["jobs.submit"]
    body = GOOD | {"params": {"epochs": 1}, "name": "twice"}
    headers = {"Idempotency-Key": "one-and-the-same"}
    first, second = (
        client._exchange("POST", operation.path, json=body, headers=headers).json()["id"]
        for _ in range(2)
    )
    assert first == second
    with pytest.raises(Conflict, match="another request"):
        client._exchange("POST", operation.path, json=body | {"seed": 1}, headers=headers)
    assert client.wait(first).state == "succeeded"


def test_auto_takes_one_process_for_one_rank(client: Client) -> None:
    params = {"epochs": 1, "precision": "auto"}
    job: Job = client.jobs.submit(**GOOD, params=params, name="auto")
    assert job.engine == "single"
    assert client.wait(job.id).state == "succeeded"
    again = client.jobs.rerun(job.id)  # computes as the first did, measures nothing
    assert again.params["precision"] == "float32"
    assert client.jobs.rerun(job.id, params={"precision": "bf16"}).params["precision"] == "bf16"


def test_a_job_is_found_by_its_name_and_by_its_id(client: Client, trained: Job) -> None:
    assert client.jobs.show(trained.id).id == trained.id
    assert client.jobs.show("iris").name == "iris"
    with pytest.raises(NotFound, match="there is no job"):
        client.jobs.show("nothing-of-that-name")


def test_what_a_finished_job_left(client: Client, trained: Job, tmp_path: Path) -> None:
    assert trained.metrics["accuracy"]
    assert trained.cause
    assert trained.cause.code == "finished"
    model = client.models.show(trained.model)
    assert model.selected.job == trained.id
    curves = client.jobs.metrics(trained.id)
    assert {"loss/train", "accuracy/validation"} <= {series.tag for series in curves.series}
    assert client.jobs.metrics(trained.id, cursor=curves.cursor).series == []
    whole = client.jobs.logs(trained.id)
    assert whole.end is False or whole.text
    assert client.jobs.logs(trained.id, cursor=whole.cursor).end
    assert client.jobs.logs(trained.id, rank=0).text in whole.text.replace("[0] ", "")
