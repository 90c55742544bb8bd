"""The extension in a Jupyter server, and an operation that is added to the table at run time."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from aimass_jupyter.cli.main import main
from aimass_jupyter.client import Client
from aimass_jupyter.client.command_line import parse
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.base import Request, Resource, argument
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import OPERATIONS
from aimass_jupyter.magics.completion import complete
from aimass_server.access import Call

API = ("aimass", "api", "v1")


class Greet(Request):
    name: str = argument(help="Whom to greet.", positional=True)


class Greeting(Resource):
    text: str


class Greetings:
    """The room of the operation."""

    async def greet(self, call: Call, request: Greet) -> Greeting:
        return Greeting(text=f"hello {request.name}, from {call.user}")


@pytest.fixture
def throwaway() -> Iterator[Operation]:
    """One more operation, there before the server starts."""
    operation = Operation(
        name="greetings.greet",
        short="greet",
        method="POST",
        path="/greetings/{name}",
        request=Greet,
        response=Greeting,
        permission="system:read",
        help="Greet somebody.",
        examples=("greet ada",),
    )
    OPERATIONS.add(operation)
    yield operation
    OPERATIONS.remove(operation.name)


async def test_the_extension_answers_behind_jupyters_login(jp_fetch: Any) -> None:
    answer = json.loads((await jp_fetch(*API, "whoami")).body)
    assert answer["role"] == "admin"
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(*API, "whoami", headers={"Authorization": "token wrong"})
    assert refused.value.code in (401, 403)


async def test_every_route_of_the_table_is_there(jp_serverapp: Any, jp_fetch: Any) -> None:
    document = json.loads((await jp_fetch(*API, "openapi.json")).body)
    assert set(document["paths"]) == {operation.path for operation in OPERATIONS}


async def test_a_new_operation_is_behind_every_door(
    throwaway: Operation,
    jp_serverapp: Any,
    jp_fetch: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await jp_serverapp.extension_manager.start_all_extensions()
    (app,) = jp_serverapp.extension_manager.extension_apps["aimass_server"]
    app.control_plane_or_raise().operations.rooms["greetings"] = Greetings()

    rest = await jp_fetch(*API, "greetings", "ada", method="POST", body="{}")
    assert json.loads(rest.body)["text"].startswith("hello ada")

    document = json.loads((await jp_fetch(*API, "openapi.json")).body)
    assert document["paths"]["/greetings/{name}"]["post"]["operationId"] == "greetings.greet"

    table = json.loads((await jp_fetch(*API, "operations")).body)["items"]
    card = next(card for card in table if card["name"] == "greetings.greet")
    form = card["request"]["properties"]  # what the lab makes its form of
    assert form["name"]["description"] == "Whom to greet."

    data = app.control_plane_or_raise().data_folder.path
    token = (data / "control-plane.token").read_text()
    address = Address(app.control_plane_or_raise().url, token)
    with Client(address) as client:
        greeting = await asyncio.to_thread(client.greetings.greet, "bob")
    assert greeting.text.startswith("hello bob")

    monkeypatch.setenv("AIMASS_DATA", str(data))
    assert await asyncio.to_thread(main, ["greet", "eve"]) == 0
    assert "hello eve" in capsys.readouterr().out

    assert parse(["greet", "{x}"]).operation is throwaway  # the magic parses by the same table
    assert "greet" in complete("gre", lambda kind: [])


async def test_a_second_server_on_the_same_data_says_who_owns_it(
    jp_serverapp: Any, jp_fetch: Any, tmp_path: Any
) -> None:
    from aimass_jupyter.contract.errors import Unavailable
    from aimass_server.control_plane import ControlPlane
    from aimass_server.settings import Settings

    with pytest.raises(Unavailable, match="is owned by the control plane"):
        ControlPlane(Settings(tmp_path / "data", slots=2, max_upload_bytes=100)).own()


async def test_kernels_are_handed_the_way_here(jp_serverapp: Any) -> None:
    await jp_serverapp.extension_manager.start_all_extensions()
    assert os.environ["AIMASS_URL"].startswith("http://")
    mode, token = await asyncio.to_thread(_read, Path(os.environ["AIMASS_TOKEN_FILE"]))
    assert mode == 0o600
    assert jp_serverapp.identity_provider.token not in token


def _read(path: Path) -> tuple[int, str]:
    return path.stat().st_mode & 0o777, path.read_text()
