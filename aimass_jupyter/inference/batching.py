"""Requests gathered while the model was busy are its next batch.

Nothing waits for company: a request that finds the model idle runs at once, and under load batches
grow by themselves. What waits is bounded. It knows no protocol and no sockets.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.contract.errors import AimassError, Busy

Array = npt.NDArray[Any]
Columns = dict[str, Array]
Predict = Callable[[Columns], Columns]

MAX_BATCH_ROWS = 1024
MAX_WAITING = 512
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class _Waiting:
    columns: Columns
    rows: int
    answer: asyncio.Future[Columns]


class Batcher:
    """Predicts for many askers, one batch at a time, in a thread of its own."""

    def __init__(
        self,
        predict: Predict,
        max_batch_rows: int = MAX_BATCH_ROWS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._predict = predict
        self._max_batch_rows = max_batch_rows
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._worker: asyncio.Task[None] | None = None

    async def predict(self, columns: Columns, rows: int) -> Columns:
        """Predict these rows, perhaps together with others'.

        Raises
        ------
        Busy
            When too many requests wait already.
        AimassError
            What the model says to these rows.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Busy(
                f"{len(self._waiting)} requests wait for the model, and no more may",
                "try again soon, or deploy more replicas",
                retry_after=RETRY_SECONDS,
            )
        asked = _Waiting(columns, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await asked.answer

    def close(self) -> None:
        """Let the thread go; nothing may wait any more."""
        self._thread.shutdown()

    async def _work(self) -> None:
        """Serve until nobody waits."""
        while batch := self._next_batch():
            await self._serve(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Take as many as fit; the first fits always. Who gave up is passed over."""
        batch: list[_Waiting] = []
        rows = 0
        while self._waiting:
            if batch and rows + self._waiting[0].rows > self._max_batch_rows:
                break
            asked = self._waiting.popleft()
            if not asked.answer.done():
                batch.append(asked)
                rows += asked.rows
        return batch

    async def _serve(self, batch: list[_Waiting]) -> None:
        try:
            outputs = await self._run(_together(batch))
        except AimassError as error:
            await self._serve_apart(batch, error)
        except Exception as error:  # noqa: BLE001 - handed on to those who asked, hidden from none
            _refuse(batch, error)
        else:
            _share_out(batch, outputs)

    async def _serve_apart(self, batch: list[_Waiting], error: AimassError) -> None:
        """One asker's bad rows are not the others' fault."""
        if len(batch) == 1:
            _refuse(batch, error)
            return
        for asked in batch:
            await self._serve([asked])

    async def _run(self, columns: Columns) -> Columns:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._predict, columns
        )


def _together(batch: list[_Waiting]) -> Columns:
    if len(batch) == 1:
        return batch[0].columns
    names = batch[0].columns
    return {name: np.concatenate([asked.columns[name] for asked in batch]) for name in names}


def _share_out(batch: list[_Waiting], outputs: Columns) -> None:
    start = 0
    for asked in batch:
        part = slice(start, start + asked.rows)
        start += asked.rows
        if not asked.answer.done():
            asked.answer.set_result({name: values[part] for name, values in outputs.items()})


def _refuse(batch: list[_Waiting], error: Exception) -> None:
    for asked in batch:
        if not asked.answer.done():
            asked.answer.set_exception(error)
