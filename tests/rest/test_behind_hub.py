"""The extension as a hub starts it: a path a user, and an identity that the hub gives.

``make hub`` has a real JupyterHub with its proxy; this is what needs neither.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from aimass_jupyter.client.discovery import find
from aimass_server.rest.tensorboard import is_from_here
from tests.access.doors import HEADER, Doors

BASE_URL = "/hub/of/many/user/ada/"
WHOAMI = ("aimass", "api", "v1", "whoami")


@pytest.fixture
def jp_base_url() -> str:
    return BASE_URL


@pytest.fixture
def jp_server_config(
    jp_server_config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    server = jp_server_config["ServerApp"] | {"identity_provider_class": Doors}
    return jp_server_config | {"ServerApp": server}


async def test_whose_server_it_is_may_all_and_others_what_their_role_says(jp_fetch: Any) -> None:
    roles = {}
    for user in ("ada", "bob"):
        answer = json.loads((await jp_fetch(*WHOAMI, headers={HEADER: user})).body)
        assert answer["user"] == user
        roles[user] = answer["role"]
    assert roles == {"ada": "admin", "bob": "author"}
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(*WHOAMI)
    assert refused.value.code == 401


async def test_a_kernel_finds_it_at_the_users_path_and_is_that_user(
    jp_serverapp: Any, jp_fetch: Any
) -> None:
    await jp_serverapp.extension_manager.start_all_extensions()
    address = await asyncio.to_thread(find)
    assert address is not None
    assert address.url.endswith(BASE_URL.rstrip("/"))
    kernel = {"Authorization": f"Bearer {address.token}"}
    answer = json.loads((await jp_fetch(*WHOAMI, headers=kernel)).body)
    assert (answer["user"], answer["role"]) == ("ada", "admin")


@pytest.mark.parametrize(
    ("headers", "from_here"),
    [
        ({"Host": "hub.example.org", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Host": "hub.example.org", "Origin": "https://HUB.example.org"}, True),
        ({"Host": "hub.example.org", "Origin": "https://hub.example.org.evil.net"}, False),
        ({"Host": "a.org", "Origin": "https://b.org", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Host": "hub.example.org", "Sec-Fetch-Site": "same-site"}, False),
        ({"Host": "hub.example.org", "Origin": "null"}, False),
        ({"Host": "hub.example.org"}, False),
    ],
)
def test_a_hub_takes_the_cookie_of_tensorboards_page_and_of_no_other(
    headers: dict[str, str], from_here: bool
) -> None:
    assert is_from_here(headers) is from_here
