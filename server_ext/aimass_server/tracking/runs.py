"""The runs and experiments of a tenant: list, show, tag, note, compare, delete, prune."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aimass_jupyter.contract.base import Done, Page
from aimass_jupyter.contract.errors import Conflict, InvalidRequest
from aimass_jupyter.contract.ids import Clock, utc_now
from aimass_jupyter.contract.job_course import Curves
from aimass_jupyter.contract.jobs import FINAL_STATES
from aimass_jupyter.contract.runs import (
    ComparedRun,
    Comparison,
    Experiment,
    ExperimentList,
    ExperimentRef,
    MetricSummary,
    Pruned,
    Run,
    RunCompare,
    RunList,
    RunMetrics,
    RunNote,
    RunPrune,
    RunRef,
    RunTag,
)
from aimass_jupyter.contract.tracked import RunAppend, RunEnd, RunParams, RunReceived, RunStart
from aimass_server.access import Call, require_owner
from aimass_server.store import Store, experiments, run_pages, runs
from aimass_server.tracking.retention import choose
from aimass_server.tracking.tracked import TrackedRuns


class CurveSource(Protocol):
    """Knows the curves of jobs, also of those that run."""

    async def curves(self, job_id: str, cursor: str, max_points: int | None = None) -> Curves: ...

    async def summaries(self, job_id: str) -> dict[str, MetricSummary]: ...

    def forget(self, job_id: str) -> None: ...


@dataclass(frozen=True)
class Place:
    """Where runs of a kind leave what they write: a folder each, and who reads it."""

    folder: Path
    source: CurveSource


class Runs:
    """What can be asked of runs.

    Parameters
    ----------
    of_jobs
        ``<data>/jobs``: what a run left is in the folder of its job.
    alone
        ``<data>/runs``: the same of the runs that have no job, in a folder of their own.
    tracked
        Starts and ends the runs that have no job.
    """

    def __init__(
        self,
        store: Store,
        of_jobs: Place,
        alone: Place,
        tracked: TrackedRuns,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._of_jobs = of_jobs
        self._alone = alone
        self._tracked = tracked
        self._clock = clock

    async def start(self, call: Call, request: RunStart) -> Run:
        """Start a run without a job."""
        return await self._tracked.start(call, request)

    async def append(
        self, call: Call, request: RunAppend, chunks: AsyncIterator[bytes]
    ) -> RunReceived:
        """Take events of a run without a job."""
        return await self._tracked.append(call, request, chunks)

    async def params(self, call: Call, request: RunParams) -> Run:
        """Add parameters to a run without a job."""
        return await self._tracked.params(call, request)

    async def end(self, call: Call, request: RunEnd) -> Run:
        """End a run without a job."""
        return await self._tracked.end(call, request)

    async def list(self, call: Call, request: RunList) -> Page[Run]:
        """A page of runs."""
        page = await self._store.read(lambda c: run_pages.page(c, request, call.tenant))
        return page.model_copy(update={"items": [await self._live(run) for run in page.items]})

    async def show(self, call: Call, request: RunRef) -> Run:
        """One run."""
        return await self._live(await self._find(call, request.run))

    async def tag(self, call: Call, request: RunTag) -> Run:
        """Add tags to a run, or take some away."""
        run = await self._own(call, request.run)
        if not request.add and not request.remove:
            raise InvalidRequest("no tag was named", f"for example: tag {run.name} good")
        add, remove = request.add, request.remove
        await self._store.write(lambda c: runs.tag(c, run, add, remove, call.user))
        return await self._find(call, run.id)

    async def note(self, call: Call, request: RunNote) -> Run:
        """Write the notes of a run."""
        run = await self._own(call, request.run)
        await self._store.write(lambda c: runs.note(c, run, request.notes, call.user))
        return await self._find(call, run.id)

    async def metrics(self, call: Call, request: RunMetrics) -> Curves:
        """The curves of a run since a cursor."""
        run = await self._find(call, request.run)
        source, _, key = self._place(run)
        return await source.curves(key, request.cursor, request.max_points)

    async def compare(self, call: Call, request: RunCompare) -> Comparison:
        """Runs side by side."""
        found = [await self._live(await self._find(call, name)) for name in request.runs]
        curves = [await self._compared_curves(run, request.max_points) for run in found]
        return Comparison(
            runs=[ComparedRun(run=r, curves=c) for r, c in zip(found, curves, strict=True)],
            params=_differing([run.params for run in found]),
            metrics=_side_by_side([run.metrics for run in found]),
            best=_side_by_side([run.best for run in found]),
        )

    async def delete(self, call: Call, request: RunRef) -> Done:
        """Delete a run that has ended, and free its bytes."""
        run = await self._own(call, request.run)
        return Done(id=run.id, freed_bytes=await self._delete(run, call.user))

    async def prune(self, call: Call, request: RunPrune) -> Pruned:
        """Delete one's own runs (an admin: those of the tenant) by a rule."""
        owner = None if call.principal.role == "admin" else call.user
        return await self._prune(request, call.tenant, owner, call.user)

    async def prune_everywhere(self, older_than_days: float, keep_newest: int) -> Pruned:
        """What an administrator's retention takes, of all tenants."""
        request = RunPrune(older_than_days=older_than_days, keep_newest=keep_newest)
        return await self._prune(request, None, None, "retention")

    async def _live(self, run: Run) -> Run:
        """A run with the metrics of this moment, when it has not ended."""
        if run.state in FINAL_STATES:
            return run
        source, _, key = self._place(run)
        found = await source.summaries(key)
        metrics = {name: summary.last for name, summary in sorted(found.items())}
        best = {name: summary.best(name) for name, summary in sorted(found.items())}
        return run.model_copy(update={"metrics": metrics, "best": best})

    async def _compared_curves(self, run: Run, max_points: int) -> Curves:
        if not max_points:
            return Curves(series=[], cursor="")
        source, _, key = self._place(run)
        return await source.curves(key, "", max(8, max_points))

    async def _prune(
        self, request: RunPrune, tenant: str | None, owner: str | None, actor: str
    ) -> Pruned:
        found = await self._store.read(lambda c: runs.ended(c, tenant, owner, request.experiment))
        chosen = choose(found, request, self._clock())
        if request.dry_run:
            sizes = [await asyncio.to_thread(size_of, self._place(run)[1]) for run in chosen]
        else:
            sizes = [await self._delete(run, actor) for run in chosen]
        return Pruned(runs=chosen, freed_bytes=sum(sizes), dry_run=request.dry_run)

    async def _delete(self, run: Run, actor: str) -> int:
        """Forget a run, then free its bytes: a crash between the two leaves a folder, no lie."""
        if run.state not in FINAL_STATES:
            first = f"stop {run.job}" if run.job else f"runs end {run.id}"
            raise Conflict(f"run '{run.name}' is {run.state}", f"stop it first: {first}")
        await self._store.write(lambda c: runs.delete(c, run, actor))
        source, folder, key = self._place(run)
        source.forget(key)
        return await asyncio.to_thread(_remove, folder)

    def _place(self, run: Run) -> tuple[CurveSource, Path, str]:
        """Who reads what a run wrote, in which folder, and by which id."""
        place, key = (self._of_jobs, run.job) if run.job else (self._alone, run.id)
        return place.source, place.folder / key, key

    async def _own(self, call: Call, reference: str) -> Run:
        run = await self._find(call, reference)
        require_owner(call.principal, run.owner, f"run '{run.name}'")
        return run

    async def _find(self, call: Call, reference: str) -> Run:
        return await self._store.read(lambda c: runs.get(c, reference, call.tenant))


class Experiments:
    """What can be asked of experiments."""

    def __init__(self, store: Store, of: Runs) -> None:
        self._store = store
        self._runs = of

    async def list(self, call: Call, request: ExperimentList) -> Page[Experiment]:
        """A page of experiments."""
        return await self._store.read(lambda c: experiments.page(c, request, call.tenant))

    async def show(self, call: Call, request: ExperimentRef) -> Experiment:
        """One experiment."""
        return await self._store.read(lambda c: experiments.get(c, request.experiment, call.tenant))

    async def delete(self, call: Call, request: ExperimentRef) -> Done:
        """Delete an experiment with its runs: each must be one's own, and have ended."""
        experiment = await self.show(call, request)
        require_owner(call.principal, experiment.owner, f"experiment '{experiment.name}'")
        members = await self._members(call, experiment.name)
        for run in members:
            require_owner(call.principal, run.owner, f"run '{run.name}' in it")
        if len(members) < experiment.runs:
            raise Conflict(
                f"experiment '{experiment.name}' has runs that have not ended",
                f"see: runs list --experiment {experiment.name} --state active",
            )
        freed = [await self._runs.delete(call, RunRef(run=run.id)) for run in members]
        await self._store.write(lambda c: experiments.delete(c, experiment, call.user))
        return Done(id=experiment.id, freed_bytes=sum(done.freed_bytes for done in freed))

    async def _members(self, call: Call, name: str) -> Sequence[Run]:
        return await self._store.read(lambda c: runs.ended(c, call.tenant, None, name))


def _differing(params: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The parameters of which not all runs have the same value."""
    rows = {name: [one.get(name) for one in params] for one in params for name in one}
    return {name: row for name, row in rows.items() if any(value != row[0] for value in row)}


def _side_by_side(metrics: list[dict[str, float | None]]) -> dict[str, list[float | None]]:
    names = dict.fromkeys(name for one in metrics for name in one)
    return {name: [one.get(name) for one in metrics] for name in names}


def size_of(folder: Path) -> int:
    """The bytes of the files in a folder; links are not followed."""
    return sum(entry.lstat().st_size for entry in folder.rglob("*") if not entry.is_dir())


def _remove(folder: Path) -> int:
    freed = size_of(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return freed
