"""Following a job live: who waits is woken by the file; each point and each gap is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs.following import Follower
from aimass_server.jobs.watching import Watches
from aimass_server.tracking import EventFileReader
from tests.conftest import Server
from tests.tracking.records import NAME, append, point

SECONDS = 30.0


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_all_who_wait_for_a_folder_are_woken_when_a_file_in_it_grows(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    async def body() -> None:
        watches = Watches()
        with (
            watches.watching(tmp_path / "a", tmp_path / "absent") as first,
            watches.watching(tmp_path / "a", tmp_path / "b") as second,
            watches.watching(tmp_path / "b") as third,
        ):
            append(tmp_path / "a" / "file", b"x")
            assert await first.changed(SECONDS)
            assert await second.changed(SECONDS)
            assert not await third.changed(0.05)
            append(tmp_path / "b" / "file", b"x")
            assert await third.changed(SECONDS)
            assert await second.changed(SECONDS)
            assert not await first.changed(0.05)
        assert watches._descriptor == -1
        with watches.watching(tmp_path / "a") as again:
            append(tmp_path / "a" / "file", b"y")
            assert await again.changed(SECONDS)

    run(body())


def test_one_who_leaves_takes_no_watch_from_another(tmp_path: Path) -> None:
    async def body() -> None:
        watches = Watches()
        with watches.watching(tmp_path) as stays:
            with watches.watching(tmp_path):
                pass
            append(tmp_path / "file", b"x")
            assert await stays.changed(SECONDS)

    run(body())


def test_ten_viewers_cost_one_reading(tmp_path: Path) -> None:
    reads = 0

    class Counting(EventFileReader):
        def read_new(self) -> None:
            nonlocal reads
            reads += 1
            super().read_new()

    folder = tmp_path / "job" / "tb"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(point(1, 1.0))

    async def body() -> None:
        follower = Follower(tmp_path, Counting)
        found = await asyncio.gather(*(follower.curves("job", "") for _ in range(10)))
        assert all(curves.series[0].steps == [1] for curves in found)

    run(body())
    assert reads <= 2


def test_a_gap_is_told_once_and_again_when_there_is_another(
    server: Server, client: Client, trained: Job
) -> None:
    submitted = client.jobs.submit(
        dataset="iris", algorithm="classification", params={"epochs": 1}, name="gaps"
    )
    job = client.wait(submitted.id)
    (path,) = (server.folder / "jobs" / job.id / "tb").glob("events.*")
    append(path, b"\1" * 40 + point(10_000, 1.0))
    first = client.jobs.attach(job=job.id)
    assert sum(gap.size_bytes for gap in first.gaps) == 40
    again = client.jobs.attach(job=job.id, cursor=first.cursor)
    assert (again.gaps, again.series, again.end) == ([], [], True)
    append(path, b"\2" * 30 + point(10_001, 1.0))
    more = client.jobs.attach(job=job.id, cursor=again.cursor)
    assert sum(gap.size_bytes for gap in more.gaps) == 70
    assert [series.steps for series in more.series] == [[10_001]]


def test_a_follower_asks_for_as_many_points_as_it_shows(client: Client, trained: Job) -> None:
    whole = client.jobs.attach(job=trained.id)
    few = client.jobs.attach(job=trained.id, max_points=8)
    steps = {series.tag: len(series.steps) for series in few.series}
    assert max(steps.values()) <= 8 < max(len(series.steps) for series in whole.series)
    assert few.cursor == whole.cursor
    assert client.runs.metrics(trained.id, max_points=8).series == few.series
