"""Faults that a review found: each once took down more than itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from aimass_jupyter.contract.errors import NotFound, Unavailable
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import FileLock, identify, write_record
from aimass_server.access import Principal, Tokens
from aimass_server.control_plane import ControlPlane
from aimass_server.data_folder import DataFolder
from aimass_server.jobs.endings import _cause_of
from aimass_server.programs import Program
from aimass_server.settings import Settings
from aimass_server.store import Blobs, Store
from aimass_server.upkeep import TOKEN_RENEWED, LocalAccess
from tests.conftest import Server


def _with_store(path: Path, body: Callable[[Store], Awaitable[None]]) -> None:
    async def run() -> None:
        store = Store(path / "a.db")
        await asyncio.to_thread(store.open)
        try:
            await body(store)
        finally:
            await asyncio.to_thread(store.close)

    asyncio.run(run())


def test_a_write_that_was_given_up_does_not_end_the_writer(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        for _ in range(20):
            slow = asyncio.create_task(store.write(lambda c: None))
            await asyncio.sleep(0)
            slow.cancel()
        done = await asyncio.wait_for(store.write(lambda c: "still writing"), 10)
        assert done == "still writing"

    _with_store(tmp_path, body)


def test_a_cause_of_another_version_is_an_error_and_no_crash() -> None:
    assert _cause_of({"cause": {"code": "from-the-future", "message": "x"}}).code == "error"
    assert _cause_of({}).code == "error"


def test_bytes_are_not_deleted_before_the_row_that_refers_to_them(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.open()
    with blobs.writer(100) as writer:
        writer.write(b"digits")
        blob = writer.publish()
    assert blobs.delete(blob.digest) == 0  # no row yet: pinned
    blobs.unpin(blob.digest)
    assert blobs.delete(blob.digest) == 6
    with pytest.raises(NotFound), blobs.pinned(blob.digest):
        pass


def test_a_supervisor_that_locks_while_it_is_looked_at_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(tmp_path, "AIMASS_JOB_ID=job_x")
    identity = identify(1)
    assert identity is not None
    write_record(tmp_path / "started.json", {"identity": identity.as_record()})
    answers = iter([False, True])  # free when first looked at, locked a moment later
    monkeypatch.setattr("aimass_server.programs.program.is_locked", lambda path: next(answers))
    assert program.state() == "alive"


def test_a_data_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = DataFolder(tmp_path)
    folder.own()
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    folder.disown()


def test_the_token_of_this_machine_is_renewed_before_it_ends(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        now = [utc_now()]
        issuer = Tokens(store, clock=lambda: now[0])
        folder = DataFolder(tmp_path)
        access = LocalAccess(issuer, folder, clock=lambda: now[0])
        await access.open(Principal("ada", "admin"), "http://127.0.0.1:1", standalone=True)
        first = await asyncio.to_thread((tmp_path / "control-plane.token").read_text)
        await access.renew()
        same = await asyncio.to_thread((tmp_path / "control-plane.token").read_text)
        assert same == first
        now[0] += TOKEN_RENEWED + timedelta(seconds=1)
        await access.renew()
        second = await asyncio.to_thread((tmp_path / "control-plane.token").read_text)
        assert (await issuer.recognise(second)).user == "ada"
        with pytest.raises(Exception, match="not valid"):
            await issuer.recognise(first)

    _with_store(tmp_path, body)


def test_a_store_in_trouble_is_not_asked_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was woken would else ask without a pause, and fill the log."""
    monkeypatch.setattr("aimass_server.jobs.runner.PASS_SECONDS", 3600.0)
    asked = 0

    async def trouble(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable("the database cannot be read now")

    async def body() -> None:
        plane = ControlPlane(Settings(tmp_path / "data", 2, 1 << 20))
        runner = plane._runner
        monkeypatch.setattr(runner, "_pass", trouble)
        runner.wake()
        looking = asyncio.create_task(runner._look_after())
        for _ in range(50):
            await asyncio.sleep(0)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    asyncio.run(body())
    assert asked == 1


@pytest.mark.slow
def test_a_job_that_no_longer_fits_ends_and_the_next_one_runs(own_server: Server) -> None:
    with own_server.client() as client:
        client.datasets.import_("iris")
        own_server.stop()
        _queue_a_job_of_many_ranks(own_server.folder)
        own_server.start()
        small = client.jobs.submit(
            dataset="iris", algorithm="classification", params={"epochs": 1}, name="small"
        )
        assert client.wait(small.id).state == "succeeded"
        large = client.jobs.show("large")
        assert large.state == "failed"
        assert large.cause
        assert "slots" in large.cause.message


@pytest.mark.slow
def test_a_version_number_is_never_used_again(own_server: Server) -> None:
    with own_server.client() as client:
        client.datasets.import_("iris")
        for expected in ("again@1", "again@2"):
            job = client.jobs.submit(
                dataset="iris", algorithm="classification", params={"epochs": 1}, name="again"
            )
            assert client.wait(job.id).model == expected
            client.models.delete(expected)
        with pytest.raises(NotFound):
            client.models.show("again")
        assert client.models.list().items == []
        client.datasets.delete("iris")
        assert client.datasets.import_("iris").latest.version == 2


def _queue_a_job_of_many_ranks(folder: Path) -> None:
    """As one that was submitted when the machine had more cores."""
    from aimass_server.store import jobs

    async def body(store: Store) -> None:
        job = Job(
            id="job_" + "0" * 26,
            name="large",
            owner="root",
            tenant="default",
            state="queued",
            engine="torchrun",
            np=4000,
            dataset="iris@1",
            algorithm="classification",
            params={},
            seed=0,
            created_at=utc_now(),
        )
        await store.write(lambda c: jobs.insert(c, job, "0" * 64, "species"))

    async def run() -> None:
        store = Store(folder / "aimass.db")
        await asyncio.to_thread(store.open)
        try:
            await body(store)
        finally:
            await asyncio.to_thread(store.close)

    with FileLock(folder / "control-plane.lock"):
        asyncio.run(run())
