"""The store: durable, migrated, one writer, honest about trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from aimass_jupyter.contract.errors import Conflict, Unavailable
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job, JobList
from aimass_server.store import Store, events, jobs
from aimass_server.store.tables import metadata


def _job(name: str = "x") -> Job:
    return Job(
        id=new_id("job"),
        name=name,
        owner="ada",
        tenant="default",
        state="queued",
        engine="single",
        np=1,
        dataset="d@1",
        algorithm="classification",
        params={},
        seed=0,
        created_at=utc_now(),
    )


async def _opened(path: Path) -> Store:
    store = Store(path)
    await asyncio.to_thread(store.open)
    return store


def _with_store(tmp_path: Path, body: object) -> None:
    async def run() -> None:
        store = await _opened(tmp_path / "a.db")
        try:
            await body(store)  # type: ignore[operator]
        finally:
            await asyncio.to_thread(store.close)

    asyncio.run(run())


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        engine = create_engine(f"sqlite:///{store.path}")
        with engine.connect() as connection:
            # the text index is SQLite's own, and belongs to no table of ours
            ours = {"include_name": lambda name, kind, _: not str(name).startswith("runs_text")}
            made = MigrationContext.configure(connection, opts=ours)
            assert compare_metadata(made, metadata) == []
        engine.dispose()

    _with_store(tmp_path, body)


def test_many_writes_at_once_are_all_kept_and_the_events_are_in_order(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        made = [_job(f"job-{n}") for n in range(200)]
        await asyncio.gather(
            *(store.write(lambda c, j=job: jobs.insert(c, j, "0" * 64, "y")) for job in made)
        )
        page = await store.read(lambda c: jobs.page(c, JobList(limit=500), "default"))
        assert len(page.items) == 200
        told = await store.read(lambda c: events.after(c, 0, 1000, "default"))
        assert [event.sequence for event in told] == list(range(1, 201))

    _with_store(tmp_path, body)


def test_a_failing_write_leaves_the_others_of_its_group_alone(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise ValueError("mine alone")

    async def body(store: Store) -> None:
        job = _job()
        results = await asyncio.gather(
            store.write(lambda c: jobs.insert(c, job, "0" * 64, "y")),
            store.write(fail),
            store.write(lambda c: jobs.insert(c, _job("y"), "0" * 64, "y")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), ValueError, type(None)]
        assert len((await store.read(lambda c: jobs.page(c, JobList(), "default"))).items) == 2

    _with_store(tmp_path, body)


def test_a_final_state_stays_final(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        job = _job()
        await store.write(lambda c: jobs.insert(c, job, "0" * 64, "y"))
        await store.write(lambda c: jobs.move(c, job.id, ("queued",), "stopped"))
        with pytest.raises(Conflict, match="is stopped"):
            await store.write(lambda c: jobs.move(c, job.id, ("queued", "running"), "running"))

    _with_store(tmp_path, body)


def test_pages_meet_without_gap_or_overlap(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        for number in range(25):
            await store.write(lambda c, n=number: jobs.insert(c, _job(f"j{n}"), "0" * 64, "y"))
        seen: list[str] = []
        token: str | None = None
        while True:
            request = JobList(limit=10, next_token=token)
            page = await store.read(lambda c, r=request: jobs.page(c, r, "default"))
            seen += [job.id for job in page.items]
            if (token := page.next_token) is None:
                break
        assert len(seen) == len(set(seen)) == 25
        assert seen == sorted(seen, reverse=True)

    _with_store(tmp_path, body)


def test_another_tenant_sees_nothing(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        await store.write(lambda c: jobs.insert(c, _job(), "0" * 64, "y"))
        assert (await store.read(lambda c: jobs.page(c, JobList(), "other"))).items == []

    _with_store(tmp_path, body)


def test_a_damaged_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    _with_store(tmp_path, lambda store: store.read(lambda c: None))
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(Unavailable, match=r"a\.db"):
        Store(path).open()


def test_a_large_database_is_not_read_whole_before_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    _with_store(tmp_path, lambda store: store.read(lambda c: None))
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'jobs'"
        (page,) = connection.execute(query).fetchone()
    with path.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\xff" * 4096)
    with pytest.raises(Unavailable, match=r"a\.db"):
        Store(path).open()
    monkeypatch.setattr("aimass_server.store.engine.CHECKED_BYTES", 4096)
    store = Store(path)
    store.open()
    store.close()


def test_a_database_with_other_tables_of_the_same_name_is_refused(tmp_path: Path) -> None:
    _with_store(tmp_path, lambda store: store.read(lambda c: None))
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("ALTER TABLE runs RENAME COLUMN notes TO remarks")
    with pytest.raises(Unavailable, match=r"lacks 'runs\.notes'"):
        Store(tmp_path / "a.db").open()


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    _with_store(tmp_path, lambda store: store.read(lambda c: None))
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Unavailable, match="upgrade"):
        Store(tmp_path / "a.db").open()


def test_a_foreign_lock_is_waited_for_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aimass_server.store.engine.BUSY_SECONDS", 0.2)

    async def body(store: Store) -> None:
        with sqlite3.connect(store.path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="locked") as raised:
                await store.write(lambda c: jobs.insert(c, _job(), "0" * 64, "y"))
            assert raised.value.retry_after
            other.execute("ROLLBACK")
        other.close()
        await store.write(lambda c: jobs.insert(c, _job(), "0" * 64, "y"))

    _with_store(tmp_path, body)
