"""Answers with the verbs of their noun as methods."""

from __future__ import annotations

import copy
import pickle

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.objects import NOUNS, Verbs, method_name, subject_of
from aimass_jupyter.contract.base import Resource
from aimass_jupyter.contract.errors import NotFound
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.operation import marks
from aimass_jupyter.contract.table import OPERATIONS

#: Verbs that are not about one thing that is there already.
NOT_OF_ONE = {
    "create", "import", "list", "publish", "submit", "prune", "deploy", "runs.start",
    "jobs.evaluate", "jobs.execute", "jobs.export",
}  # fmt: skip


@pytest.mark.parametrize("kind", NOUNS, ids=lambda kind: kind.__name__)
def test_every_verb_of_a_noun_is_a_method_of_its_things(kind: type[Resource]) -> None:
    noun, fields = NOUNS[kind], set(kind.model_fields)
    wanted = {
        method_name(operation, fields)
        for operation in OPERATIONS.nouns[noun]
        if not NOT_OF_ONE & {operation.verb, operation.name}
    }
    found = set(Verbs(None, noun, "x", frozenset(fields)))  # type: ignore[arg-type]
    assert wanted <= found
    assert not found & fields


def test_no_operation_about_a_thing_is_left_out() -> None:
    """Whatever completes with a noun's names, in the first place, is a method of it."""
    for operation in OPERATIONS:
        first = next(iter(operation.positionals), "")
        if first and operation.fields[first].is_required():
            noun = str(marks(operation.fields[first]).get("x-completes", ""))
            assert subject_of(operation, noun) == (first if noun else "")


def test_things_do_what_their_methods_say(client: Client, trained: Job) -> None:
    job = client.jobs.show(trained.id)
    assert job.inputs().job == job.id
    assert "loss/train" in {one.tag for one in job.metrics_().series}
    assert job.metrics["accuracy"] > 0
    assert "accuracy" in job.attach().job.metrics
    assert dir(job)[-1] in job.__dict__["_verbs"]
    assert "name" in dir(job)
    assert "model_dump" not in dir(job)  # Tab shows what a person can use
    with pytest.raises(AttributeError, match="explode"):
        job.explode()  # type: ignore[attr-defined]
    listed = client.jobs.list(state="succeeded").items[0]  # one that changes no more
    assert listed.show() == listed
    run = client.runs.show(trained.id)
    assert run.tag(["good"]).tags == ["good"]
    assert run.tag(remove=["good"]).tags == []
    compared = run.compare(run, max_points=0)
    assert [one.run.id for one in compared.runs] == [run.id, run.id]
    model = client.models.show("iris")
    assert model.selected.show().selected == model.selected
    endpoint = model.selected.deploy(name="from-an-object")
    assert endpoint.predict([model.selected.signature.example]).endpoint == "from-an-object"
    assert endpoint.usage().requests == 1
    again = endpoint.key_()
    assert again.key.startswith("aimk_")
    assert again.key in str(again)
    assert "=" not in str(job.why())  # as a terminal shows it
    assert endpoint.delete().id == endpoint.id
    with pytest.raises(NotFound):
        endpoint.show()


def test_a_thing_is_copied_and_sent_and_compared_as_before(client: Client, trained: Job) -> None:
    job = client.jobs.show(trained.id)
    bare = Job.model_validate_json(job.model_dump_json())
    assert job == bare
    assert copy.deepcopy(job).show() == bare
    assert pickle.loads(pickle.dumps(job)) == bare  # noqa: S301  # our own, made just now
    assert "_verbs" not in job.model_dump()
