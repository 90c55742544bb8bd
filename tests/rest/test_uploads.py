"""An upload that is too large is told so, and by how much, whatever its size."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import TooLarge
from aimass_jupyter.contract.table import API_ROOT

LIMIT = 100_000

pytestmark = pytest.mark.usefixtures("jp_fetch")  # it is what makes the server listen


@pytest.fixture
def jp_server_config(jp_server_config: dict[str, Any]) -> dict[str, Any]:
    return jp_server_config | {
        "AimassApp": jp_server_config["AimassApp"] | {"max_upload_bytes": LIMIT}
    }


async def address_of(jp_serverapp: Any) -> Address:
    await jp_serverapp.extension_manager.start_all_extensions()
    (app,) = jp_serverapp.extension_manager.extension_apps["aimass_server"]
    control_plane = app.control_plane_or_raise()
    return Address(
        control_plane.url, (control_plane.data_folder.path / "control-plane.token").read_text()
    )


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 2, 20 * LIMIT, 400 * LIMIT])
async def test_the_client_hears_the_limit(jp_serverapp: Any, tmp_path: Path, size: int) -> None:
    address = await address_of(jp_serverapp)
    path = tmp_path / "big.csv"
    path.write_bytes(b"1" * size)
    with Client(address) as client, pytest.raises(TooLarge, match=str(LIMIT)):
        await asyncio.to_thread(client.upload, path)


@pytest.mark.parametrize("size", [LIMIT + 1, 20 * LIMIT, 400 * LIMIT])
async def test_a_body_of_unknown_length_hears_it_too(jp_serverapp: Any, size: int) -> None:
    address = await address_of(jp_serverapp)

    def pieces() -> Iterator[bytes]:
        for _ in range(0, size, 10_000):
            yield b"1" * 10_000

    answer = await asyncio.to_thread(
        httpx.post,
        f"{address.url}{API_ROOT}/uploads?filename=big.csv",
        content=pieces(),
        headers={"Authorization": f"Bearer {address.token}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 413
    assert str(LIMIT) in answer.json()["detail"]


async def test_what_fits_is_taken(jp_serverapp: Any, tmp_path: Path) -> None:
    address = await address_of(jp_serverapp)
    path = tmp_path / "fits.csv"
    path.write_bytes(b"1" * LIMIT)
    with Client(address) as client:
        assert await asyncio.to_thread(client.upload, path)
