"""Answers that can be acted on: a job has ``stop()``, an endpoint ``predict(…)``, as the verbs say.

The verbs come from the operation table; nothing is declared twice, and nothing is asked until a
method is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import BaseModel

from aimass_jupyter.client.views import as_text
from aimass_jupyter.contract.base import Page, Resource
from aimass_jupyter.contract.clusters import Cluster
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.endpoints import Endpoint
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.models import Model, ModelDetail, ModelVersion
from aimass_jupyter.contract.operation import Operation, marks
from aimass_jupyter.contract.runs import Comparison, Experiment, Pruned, Run
from aimass_jupyter.contract.services import Service
from aimass_jupyter.contract.table import OPERATIONS

if TYPE_CHECKING:
    from aimass_jupyter.client.client import Client

NOUNS: dict[type[Resource], str] = {
    Job: "jobs",
    Run: "runs",
    Experiment: "experiments",
    Dataset: "datasets",
    Model: "models",
    ModelVersion: "models",
    Endpoint: "endpoints",
    Service: "services",
    Cluster: "clusters",
}


class Verbs:
    """What can be done with one thing: the methods of an answer.

    Parameters
    ----------
    reference
        How the control plane knows it.
    """

    def __init__(self, client: Client, noun: str, reference: str, taken: frozenset[str]) -> None:
        self._client = client
        self._reference = reference
        self._operations = {method_name(o, taken): (o, field) for o, field in _of_noun(noun)}

    def __contains__(self, name: str) -> bool:
        return name in self._operations

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        operation, field = self._operations[name]
        return _method(self._client, operation, field, self._reference)

    @staticmethod
    def text(answer: BaseModel) -> str:
        """The answer as it is printed."""
        return as_text(answer)

    def __deepcopy__(self, memo: dict[int, Any]) -> Verbs:
        return self  # a connection has no second self

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[()]]:
        return dict, ()  # what is pickled goes elsewhere, and there without a connection


def bind(answer: Any, client: Client) -> None:
    """Give an answer, and the things in it, their methods; it prints as a terminal shows it."""
    if isinstance(answer, Resource):
        answer.__dict__["_verbs"] = Verbs(client, "", "", frozenset())
    for thing, reference in _things(answer):
        noun = NOUNS[_kind(thing)]
        fields = frozenset(type(thing).model_fields)
        thing.__dict__["_verbs"] = Verbs(client, noun, reference, fields)


def method_name(operation: Operation, taken: frozenset[str] | set[str]) -> str:
    """A verb as a method; one that is the name of a property too ends in an underscore."""
    return f"{operation.verb}_" if operation.verb in taken else operation.verb


def _kind(thing: Resource) -> type[Resource]:
    return next(kind for kind in type(thing).__mro__ if kind in NOUNS)


def _things(answer: Any) -> Iterator[tuple[Resource, str]]:
    """The things in an answer that have verbs, and how each is known."""
    match answer:
        case Page():
            for item in answer.items:
                yield from _things(item)
        case Comparison():
            for compared in answer.runs:
                yield from _things(compared.run)
        case Pruned():
            for run in answer.runs:
                yield from _things(run)
        case JobUpdate():
            yield from _things(answer.job)
        case Model():
            yield answer, answer.name
            versions = [answer.latest]
            if isinstance(answer, ModelDetail):
                versions += [answer.selected, *answer.history]
            for version in versions:
                yield version, f"{answer.name}@{version.version}"
        case Experiment():
            yield answer, answer.name
        case Job() | Run() | Dataset() | Endpoint() | Service() | Cluster():
            yield answer, answer.id


@cache
def _of_noun(noun: str) -> tuple[tuple[Operation, str], ...]:
    """The operations that are about one thing of this kind, and the field that names it."""
    found = ((operation, subject_of(operation, noun)) for operation in OPERATIONS)
    return tuple((operation, field) for operation, field in found if field)


def subject_of(operation: Operation, noun: str) -> str:
    """The field of a request that names what the operation is about; empty when it is not one.

    It is the first that may be given without its name, and the names of that noun complete it.
    """
    first = next(iter(operation.positionals), "")
    if not first or not operation.fields[first].is_required():
        return ""
    return first if marks(operation.fields[first]).get("x-completes") == noun else ""


def _method(client: Client, operation: Operation, field: str, reference: str) -> Callable[..., Any]:
    """An operation on one thing: what names the thing is known."""
    rest = [name for name in operation.positionals if name != field]
    several = get_origin(operation.fields[field].annotation) is list

    def method(*values: Any, **arguments: Any) -> Any:
        if several:  # this one, and others beside it
            others = [_reference(value) for value in values]
            return client.call(operation, {field: [reference, *others]} | arguments)
        if len(values) > len(rest):
            raise TypeError(f"{operation.verb} takes {len(rest)} arguments without a name")
        given = dict(zip(rest, values, strict=False))
        return client.call(operation, {field: reference} | given | arguments)

    method.__name__ = operation.verb
    told = [f"    {n}: {f.description}" for n, f in operation.fields.items() if n != field]
    method.__doc__ = "\n".join([operation.help, *(["", "Parameters:", *told] if told else [])])
    return method


def _reference(value: Any) -> str:
    return str(value.id) if isinstance(value, BaseModel) else str(value)  # type: ignore[attr-defined]
