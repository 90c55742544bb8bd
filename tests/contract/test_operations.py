"""The operation table: complete, consistent, and behind every door."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from aimass_jupyter.client import Client
from aimass_jupyter.client import help as help_texts
from aimass_jupyter.client.command_line import parse
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.system import OperationCard
from aimass_jupyter.contract.table import OPERATIONS
from aimass_server.access.policy import RIGHTS
from aimass_server.rest.openapi import document

OPERATION_NAMES = [operation.name for operation in OPERATIONS]


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_operation_has_a_permission_that_some_role_holds(name: str) -> None:
    permission = OPERATIONS[name].permission
    assert permission in RIGHTS["admin"]


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_example_parses_to_its_operation(name: str) -> None:
    import shlex

    for example in OPERATIONS[name].examples:
        assert parse(shlex.split(example)).operation.name == name


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_field_says_what_it_is(name: str) -> None:
    for field, schema in OPERATIONS[name].fields.items():
        assert schema.description, f"{name}.{field} has no description"


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    """The whole document, made once: that takes far longer than to look into it."""
    return document()


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_operation_is_in_the_openapi_document(openapi: dict[str, Any], name: str) -> None:
    operation = OPERATIONS[name]
    entry = openapi["paths"][operation.path][operation.method.lower()]
    assert entry["operationId"] == name
    assert entry["x-permission"] == operation.permission


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_operation_has_help(name: str) -> None:
    text = help_texts.of(OPERATIONS[name], "aimass")
    assert OPERATIONS[name].help in text
    assert "Examples:" in text


def test_the_table_that_is_served_is_the_table(client: Client) -> None:
    cards: list[OperationCard] = client.system.operations().items
    assert [card.name for card in cards] == OPERATION_NAMES


def test_every_operation_is_a_method_with_a_signature(client: Client) -> None:
    import inspect

    for operation in OPERATIONS:
        verb = "import_" if operation.verb == "import" else operation.verb
        method = getattr(getattr(client, operation.noun), verb)
        assert set(inspect.signature(method).parameters) == set(operation.fields)
        assert operation.help in method.__doc__


def test_changing_operations_are_never_get() -> None:
    reading = {operation.name for operation in OPERATIONS if operation.method == "GET"}
    assert not {name for name in reading if name.split(".")[1] in ("submit", "stop", "delete")}


def test_no_two_operations_share_a_route() -> None:
    routes = [(operation.method, operation.path) for operation in OPERATIONS]
    assert len(routes) == len(set(routes))


def test_an_operation_without_a_permission_cannot_be_declared() -> None:
    given: dict[str, Any] = {
        "name": "jobs.x",
        "method": "GET",
        "path": "/x",
        "request": BaseModel,
        "response": BaseModel,
        "help": "",
        "examples": (),
    }
    with pytest.raises(ValueError, match="needs a permission"):
        Operation(**given, permission="")


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["trian"], "train"),
        (["jobs", "lst"], "list"),
        (["train", "--datset", "x"], None),
        (["deploy", "a", "b"], "deploy digits@production"),
        (["models", "show", "--alas", "x"], None),
    ],
)
def test_a_slip_of_the_pen_gets_one_line_and_a_cure(words: list[str], cure: str | None) -> None:
    if cure is None and words[0] == "train":
        command = parse(words)  # options of the algorithm are checked by the server
        assert command.arguments == {"params": {"datset": "x"}}
        return
    with pytest.raises(InvalidRequest) as raised:
        parse(words)
    assert (cure or "--") in str(raised.value)
