"""Pages of runs: whatever is filtered, and however it is found, the same runs in the order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Job, JobOptions
from aimass_jupyter.contract.runs import Run, RunList
from aimass_server.store import Store, jobs, run_pages, run_search, runs
from aimass_server.store.tables import runs as runs_table

COUNT = 40
FILTERS: list[dict[str, Any]] = [
    {},
    {"experiment": "odd"},
    {"tag": "third"},
    {"state": "failed"},
    {"state": "active"},
    {"search": "run-1"},
    {"search": "RUN-3"},
    {"search": "-2"},
    {"experiment": "odd", "tag": "third"},
    {"experiment": "odd", "state": "failed"},
    {"tag": "third", "state": "active"},
    {"tag": "third", "search": "run-1", "state": "succeeded"},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Runs of two tenants; a value of the metric may be the same, not finite, or not there."""
    store = Store(tmp_path_factory.mktemp("pages") / "a.db")
    store.open()
    asyncio.run(_fill(store))
    yield store
    store.close()


async def _fill(store: Store) -> None:
    for number in range(COUNT):
        job = _job(number)
        await store.write(lambda c, j=job: jobs.insert(c, j, "0" * 64, "label"))
        await store.write(lambda c, j=job: runs.summarise(c, j, {}))


def _job(number: int) -> Job:
    values = {"accuracy": None if number % 5 == 0 else (number * 7 % 11) / 11}
    tags = ["third"] if number % 3 == 0 else []
    return Job(
        id=new_id("job"),
        name=f"run-{number}",
        owner="ada",
        tenant="other" if number % 10 == 9 else "default",
        state="failed" if number % 4 == 1 else "queued" if number % 4 == 2 else "succeeded",
        engine="single",
        np=1,
        algorithm="classification",
        params={},
        seed=0,
        created_at=utc_now(),
        metrics={} if number % 8 == 3 else values,
        options=JobOptions(experiment="odd" if number % 2 else "even", tags=tags),
    )


def _walk(store: Store, **asked: Any) -> list[Run]:
    """All pages, one after the other."""
    found: list[Run] = []
    token = None
    for _ in range(2 * COUNT):
        request = RunList(**asked, **({"next_token": token} if token else {}))
        page = asyncio.run(store.read(lambda c, r=request: run_pages.page(c, r, "default")))
        assert len(page.items) <= request.limit
        found += page.items
        if (token := page.next_token) is None:
            return found
    raise AssertionError("the pages do not end")


def _passes(run: Run, asked: dict[str, Any]) -> bool:
    state = asked.get("state", run.state)
    return (
        run.experiment == asked.get("experiment", run.experiment)
        and (asked.get("tag") is None or asked["tag"] in run.tags)
        and (run.state in jobs.ACTIVE if state == "active" else run.state == state)
        and asked.get("search", "").lower() in run.name
    )


def _in_order(found: list[Run], *, ascending: bool) -> list[str]:
    """As the manual says: those with a value by it, and then the others, the newest first."""
    valued = [run for run in found if run.metrics.get("accuracy") is not None]
    others = [run for run in found if run.metrics.get("accuracy") is None]
    valued.sort(key=lambda run: (run.metrics["accuracy"], run.id), reverse=not ascending)
    others.sort(key=lambda run: run.id, reverse=True)
    return [run.id for run in valued + others]


@pytest.mark.parametrize("few", [1, 3, 20_000])
@pytest.mark.parametrize("ascending", [True, False])
def test_pages_by_a_metric_are_the_sorted_list(
    store: Store, monkeypatch: pytest.MonkeyPatch, few: int, ascending: bool
) -> None:
    everything = _walk(store, limit=500)
    assert {run.tenant for run in everything} == {"default"}
    monkeypatch.setattr(run_search, "FEW", few)
    monkeypatch.setattr(run_pages, "_LOOKED", 4 * few)
    for asked in FILTERS:
        wanted = [run for run in everything if _passes(run, asked)]
        assert wanted
        by_age = [run.id for run in _walk(store, limit=4, **asked)]
        assert by_age == sorted((run.id for run in wanted), reverse=True)
        more = {"order_by": "accuracy", "ascending": ascending}
        by_metric = [run.id for run in _walk(store, limit=4, **asked, **more)]
        assert by_metric == _in_order(wanted, ascending=ascending)


def test_what_changes_in_a_run_changes_in_its_lists(store: Store) -> None:
    first, second = _walk(store, order_by="accuracy", limit=2)[:2]

    def listed(**asked: Any) -> list[str]:
        return [run.id for run in _walk(store, order_by="accuracy", **asked)]

    async def change() -> None:
        await store.write(lambda c: runs.tag(c, first, ["best", "best-of-all"], [], "ada"))
        await store.write(lambda c: runs.tag(c, second, ["best"], [], "ada"))
        await store.write(lambda c: runs.tag(c, first, [], ["best-of-all"], "ada"))
        await store.write(lambda c: runs.note(c, second, "a Walk in the park", "ada"))

    asyncio.run(change())
    assert listed(tag="best", limit=1) == [first.id, second.id]
    assert listed(tag="best-of-all") == []
    assert listed(search="walk IN the") == [*listed(search='walk"'), second.id]

    moved = runs_table.c.id == second.id
    asyncio.run(store.write(lambda c: runs.move(c, moved, state="lost")))
    assert listed(state="lost") == listed(tag="best", state="lost") == [second.id]
    assert second.id not in listed(tag="best", state=second.state)

    asyncio.run(store.write(lambda c: runs.delete(c, second, "ada")))
    assert listed(tag="best") == [first.id]
    assert listed(search="walk in the") == []
