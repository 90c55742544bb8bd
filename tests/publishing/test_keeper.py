"""The keeper over folders and rows that are not as they should be: it tells, and goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from aimass_jupyter.contract.errors import TooLarge
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.services import Service, ServicePublish
from aimass_jupyter.contract.uploads import UploadCreate
from aimass_server.access import Call, Principal
from aimass_server.library import Uploads
from aimass_server.publishing import Publishing, keeper, room
from aimass_server.store import Blobs, Store, services

pytestmark = [pytest.mark.anyio, pytest.mark.faults]

CALL = Call(Principal("ada", "author"), "services.publish")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "aimass.db")
    store.open()
    return store


async def _token(call: Call) -> str:
    return "token"


@asynccontextmanager
async def publishing(store: Store, folder: Path) -> AsyncIterator[Publishing]:
    """The room, open; no program is started by it here."""
    blobs = Blobs(folder / "blobs")
    blobs.open()
    uploads = Uploads(store, blobs, 1 << 30)
    room = Publishing(store, folder, uploads, _token, lambda: "http://127.0.0.1:1")
    try:
        await room.open()
        yield room
    finally:
        await room.close()
        store.close()


async def kept(store: Store, folder: Path, name: str) -> Path:
    """A service that is said to run, with a folder; returns that."""
    now = utc_now()
    service = Service(
        id=new_id("service"), name=name, owner="ada", tenant="default", notebook="a.ipynb",
        version=1, state="ready", url="http://127.0.0.1:1", created_at=now, published_at=now,
    )  # fmt: skip
    await store.write(lambda c: services.insert(c, service))
    version = folder / "services" / service.id / "versions" / "1"
    version.mkdir(parents=True)
    (version / "kernel.token").write_text("token")
    return version


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


async def test_what_is_no_version_stops_no_start(store: Store, tmp_path: Path) -> None:
    version = await kept(store, tmp_path, "sales")
    stray = [version.parent / name for name in ("notes.txt", "7", "old")]
    stray[0].write_text("mine")
    stray[1].write_text("mine too")
    stray[2].mkdir()
    (version / "run-1").mkdir()
    (version / "run-1" / "started.json").write_text("{")  # nothing is started in this test
    async with publishing(store, tmp_path):
        assert all(path.exists() for path in stray)


async def test_a_record_that_cannot_be_read_is_told_with_its_service(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.05)
    version = await kept(store, tmp_path, "sales")
    (version / "run-1").mkdir()
    (version / "run-1" / "started.json").write_text("{")
    async with publishing(store, tmp_path):
        await until(lambda: caplog.text.count("looking after service 'sales' failed") > 1)
        assert "JSONDecodeError" in caplog.text


async def test_a_row_that_cannot_be_read_does_not_end_the_looking(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.05)
    version = await kept(store, tmp_path, "sales")
    (version / "run-1").mkdir()
    (version / "run-1" / "started.json").write_text("{")
    async with publishing(store, tmp_path):
        _write(tmp_path, "update services set created_at = 'yesterday'")
        await until(lambda: "the look at the services failed" in caplog.text)
        caplog.clear()
        _write(tmp_path, "update services set created_at = '2026-01-01 00:00:00.000000'")
        await until(lambda: "looking after service 'sales' failed" in caplog.text)


async def test_a_notebook_that_is_too_large_is_not_read(store: Store, tmp_path: Path) -> None:
    async def large() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield bytes(1 << 20)

    async with publishing(store, tmp_path) as publish:
        uploads = Uploads(store, Blobs(tmp_path / "blobs"), 1 << 30)
        upload = await uploads.create(CALL, UploadCreate(filename="big.ipynb"), large())
        with pytest.raises(
            TooLarge, match=f"'big.ipynb' has .* may have {room.MAX_NOTEBOOK_BYTES}"
        ):
            await publish.publish(CALL, ServicePublish(notebook=upload.id))


def _write(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "aimass.db", timeout=10)) as database, database:
        database.execute(statement)
