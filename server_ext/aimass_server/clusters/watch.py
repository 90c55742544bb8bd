"""Watches: one a node. Each keeps an agent there that says what is used; silence is being down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aimass_jupyter.contract.clusters import NodeUse
from aimass_jupyter.contract.jobs import NodePlace
from aimass_jupyter.host import read_record, write_record
from aimass_jupyter.host.usage import UseSampler
from aimass_server.clusters.ring import Ring

SAMPLE_SECONDS = 10.0
_SILENCE_SECONDS = 35.0
_ANSWER_SECONDS = 30.0
_PAUSE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
_KEEP_SECONDS = 600.0
_LINE_BYTES = 1 << 20

logger = logging.getLogger("aimass.clusters")


class Watch:
    """What is known of one node now.

    Attributes
    ----------
    reason
        Why it is down; empty when it answers.
    jobs
        What each job uses of it, by id, as its agent last said.

    Parameters
    ----------
    kept
        The file that keeps its history.
    changed
        Called when it comes or goes.
    """

    def __init__(self, place: NodePlace, kept: Path, changed: Callable[[], None]) -> None:
        self.reason = "it has not answered yet"
        self.cpus = 0
        self.now: NodeUse | None = None
        self.jobs: dict[str, dict[str, float]] = {}
        self._place = place
        self._kept = kept
        self._changed = changed
        self._ring = Ring(_read(kept))
        self._wanted = asyncio.Event()
        self._keep_by = asyncio.get_running_loop().time() + _KEEP_SECONDS
        self._task = asyncio.create_task(self._look_after(), name=f"aimass-node-{place.node}")

    @property
    def history(self) -> list[NodeUse]:
        """What was used, oldest first."""
        return self._ring.samples()

    def look_now(self) -> None:
        """Look for a node that did not answer without waiting longer."""
        self._wanted.set()

    async def close(self) -> None:
        """Look no longer."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._keep)

    async def _look_after(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except (OSError, ValueError, ValidationError, TimeoutError) as error:
                self._note_down(str(error) or type(error).__name__)
            failures = 0 if self.now is not None else failures + 1
            self.now, self.jobs = None, {}
            self._wanted.clear()
            pause = _PAUSE_SECONDS[min(failures, len(_PAUSE_SECONDS) - 1)]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)

    async def _listen(self) -> None:
        """Run an agent there until it is silent or gone."""
        process = await asyncio.create_subprocess_exec(
            *self._place.argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, limit=_LINE_BYTES, start_new_session=True,
        )  # fmt: skip
        try:
            await self._ask(process)
            seconds = _ANSWER_SECONDS
            while line := await asyncio.wait_for(_stdout(process).readline(), seconds):
                self._hear(json.loads(line))
                seconds = _SILENCE_SECONDS
            self._note_down(await _last_words(process))
        except TimeoutError:
            raise TimeoutError(f"nothing was heard of it for {seconds:.0f} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # it is a pipe
        about = {"do": "facts", "address": self._place.address, "folder": self._place.folder}
        for message in (about, {"do": "watch", "seconds": SAMPLE_SECONDS}):
            process.stdin.write(json.dumps(message).encode() + b"\n")
        await process.stdin.drain()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["is"] == "facts":
            self.cpus = int(message["cpus"])
            self._note_up()
        elif message["is"] == "use":
            self.jobs = message.pop("jobs")
            message["at"] = datetime.fromtimestamp(message["at"], UTC)
            self.now = NodeUse.model_validate(message)
            self._ring.add(self.now)
            self._keep_now_and_then()

    def _note_up(self) -> None:
        if self.reason:
            logger.info("node %s answers", self._place.node)
            self.reason = ""
            self._changed()

    def _note_down(self, reason: str) -> None:
        if self.reason != reason:
            logger.warning("node %s is down: %s", self._place.node, reason)
            self.reason = reason
            self._changed()

    def _keep_now_and_then(self) -> None:
        if asyncio.get_running_loop().time() > self._keep_by:
            self._keep_by = asyncio.get_running_loop().time() + _KEEP_SECONDS
            asyncio.get_running_loop().run_in_executor(None, self._keep)

    def _keep(self) -> None:
        samples = [sample.model_dump(mode="json") for sample in self.history]
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_record(self._kept, {"samples": samples})
        except OSError as error:  # a full disk: the history is short of some minutes
            logger.warning("the history of node %s could not be kept: %s", self._place.node, error)


class LocalWatch(Watch):
    """The watch of this machine: it needs no agent."""

    async def _listen(self) -> None:
        sampler = await asyncio.to_thread(UseSampler, Path(self._place.folder))
        self._hear({"is": "facts", "cpus": len(os.sched_getaffinity(0))})
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            self._hear({"is": "use"} | await asyncio.to_thread(sampler.sample))


def _stdout(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    assert process.stdout is not None  # it is a pipe
    return process.stdout


async def _last_words(process: asyncio.subprocess.Process) -> str:
    """Why the command ended, as it said."""
    assert process.stderr is not None  # it is a pipe
    said = (await process.stderr.read(4096)).decode(errors="replace").strip().splitlines()
    return said[-1] if said else "its agent ended"


def _read(kept: Path) -> list[NodeUse]:
    """The history that was kept; what cannot be read is none."""
    try:
        record = read_record(kept) or {}
        return [NodeUse.model_validate(sample) for sample in record.get("samples", [])]
    except (OSError, ValueError):
        return []
