"""Batches: what waited goes together, each gets its own rows, and what waits is bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from aimass_jupyter.contract.errors import Busy, Failed
from aimass_jupyter.inference.batching import Batcher


class Doubler:
    """A model that doubles, notes its batches, and is busy until it is released."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.started = threading.Event()
        self.free = threading.Event()

    def __call__(self, columns: dict[str, Any]) -> dict[str, Any]:
        self.batches.append(columns["x"].tolist())
        self.started.set()
        assert self.free.wait(60)
        if (columns["x"] < 0).any():
            raise Failed("negative")
        if (columns["x"] == 0).any():
            raise ZeroDivisionError("zero")
        return {"y": columns["x"] * 2}


def ask(batcher: Batcher, *values: float) -> asyncio.Task[dict[str, Any]]:
    work: Coroutine[Any, Any, dict[str, Any]] = batcher.predict(
        {"x": np.array(values, float)}, len(values)
    )
    return asyncio.create_task(work)


async def first_is_running(model: Doubler) -> None:
    assert await asyncio.to_thread(model.started.wait, 60)


def test_what_waited_while_the_model_was_busy_is_the_next_batch() -> None:
    async def scene() -> None:
        model = Doubler()
        batcher = Batcher(model, max_batch_rows=4)
        first = ask(batcher, 1)
        await first_is_running(model)
        others = [ask(batcher, *values) for values in ([2, 3], [4], [5, 6], [7])]
        await asyncio.sleep(0)
        model.free.set()
        answers = [answer["y"].tolist() for answer in await asyncio.gather(first, *others)]
        assert answers == [[2], [4, 6], [8], [10, 12], [14]]
        assert model.batches == [[1], [2, 3, 4], [5, 6, 7]]
        batcher.close()

    asyncio.run(scene())


def test_a_request_larger_than_a_batch_runs_alone() -> None:
    async def scene() -> None:
        model = Doubler()
        model.free.set()
        batcher = Batcher(model, max_batch_rows=2)
        answer = await ask(batcher, 1, 2, 3)
        assert answer["y"].tolist() == [2, 4, 6]
        batcher.close()

    asyncio.run(scene())


def test_bad_rows_are_not_the_others_fault() -> None:
    async def scene() -> None:
        model = Doubler()
        batcher = Batcher(model)
        first = ask(batcher, 1)
        await first_is_running(model)
        good, bad = ask(batcher, 2), ask(batcher, -3)
        await asyncio.sleep(0)
        model.free.set()
        assert (await good)["y"].tolist() == [4]
        with pytest.raises(Failed, match="negative"):
            await bad
        await first
        batcher.close()

    asyncio.run(scene())


def test_an_unforeseen_error_reaches_who_asked_and_the_next_is_served() -> None:
    async def scene() -> None:
        model = Doubler()
        model.free.set()
        batcher = Batcher(model)
        with pytest.raises(ZeroDivisionError):
            await ask(batcher, 0)
        assert (await ask(batcher, 2))["y"].tolist() == [4]
        batcher.close()

    asyncio.run(scene())


def test_what_waits_is_bounded_and_who_gave_up_is_passed_over() -> None:
    async def scene() -> None:
        model = Doubler()
        batcher = Batcher(model, max_waiting=2)
        first = ask(batcher, 1)
        await first_is_running(model)
        second, third = ask(batcher, 2), ask(batcher, 3)
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="2 requests wait") as caught:
            await ask(batcher, 4)
        assert caught.value.retry_after
        second.cancel()
        await asyncio.sleep(0)
        model.free.set()
        assert (await third)["y"].tolist() == [6]
        await first
        assert model.batches == [[1], [3]]
        batcher.close()

    asyncio.run(scene())
