"""Wires the rooms and runs operations; the one object that a face may hold."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from aimass_jupyter.contract.errors import AimassError, InvalidRequest
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.operation import Operation, marks
from aimass_jupyter.contract.system import Check
from aimass_server.access import Call, Principal, Tokens, require
from aimass_server.clusters import Clusters, Inventory, Nodes
from aimass_server.data_folder import DataFolder
from aimass_server.events import Feed, Notice
from aimass_server.jobs import Jobs
from aimass_server.jobs.code import OwnCode
from aimass_server.jobs.engines import find_engines, find_hardware
from aimass_server.jobs.entering import Entrance
from aimass_server.jobs.following import Follower
from aimass_server.jobs.ledger import Quotas
from aimass_server.jobs.picture import Limits
from aimass_server.jobs.preemption import Policy
from aimass_server.jobs.results import Results
from aimass_server.jobs.runner import Runner
from aimass_server.jobs.work import OtherWork
from aimass_server.library import Algorithms, Datasets, Models, Shelves, Uploads
from aimass_server.programs import Warm
from aimass_server.publishing import Publishing
from aimass_server.serving import Serving
from aimass_server.store import Blobs, Store, audit, idempotency, runs
from aimass_server.system import Facts, System
from aimass_server.tracking import (
    EventFileReader,
    Experiments,
    Place,
    Runs,
    TensorBoards,
    TrackedRuns,
)
from aimass_server.upkeep import TOKEN_LIFE, LocalAccess, Retention, Upkeep

MAX_KEY_LENGTH = 128

logger = logging.getLogger("aimass.control_plane")


@dataclass(frozen=True)
class Settings:
    """What an administrator sets."""

    folder: Path
    slots: int
    max_upload_bytes: int
    jobs_per_user: int = 0
    slots_per_user: int = 0
    queued_per_user: int = 0
    base_url: str = "/"
    warm: bool = True
    warm_memory_bytes: int = 1 << 30
    retention_days: float = 0.0
    retention_newest: int = 10
    run_lost_seconds: float = 30.0
    preemption: Policy = field(default_factory=Policy)
    quotas: Quotas = field(default_factory=Quotas)
    log_bytes: int = 64 << 20


class ControlPlane:
    """Everything behind the operation table.

    ``call`` looks up the room of an operation's noun and its method of that verb; so an operation
    needs no entry here as long as its noun has a room.
    """

    def __init__(self, settings: Settings) -> None:
        folder = settings.folder
        self.settings = settings
        self.url = ""
        self.data_folder = DataFolder(folder)
        self._engines: asyncio.Task[dict[str, str]] | None = None

        self._store = Store(folder / "aimass.db", on_commit=lambda: self.feed.committed())
        self._blobs = Blobs(folder / "blobs")
        self.feed = Feed(self._store)
        self.tokens = Tokens(self._store)
        self._uploads = Uploads(self._store, self._blobs, settings.max_upload_bytes)
        self._access = LocalAccess(self.tokens, self.data_folder)
        datasets = Datasets(
            self._store,
            self._blobs,
            self._uploads,
            lambda call, asked: work.import_now(call, asked),
        )
        models = Models(self._store, self._blobs, self._uploads)
        follower = Follower(folder / "jobs", EventFileReader)
        alone = Follower(folder / "runs", EventFileReader)
        self._tracked = TrackedRuns(
            self._store,
            folder / "runs",
            alone,
            settings.max_upload_bytes,
            settings.run_lost_seconds,
        )
        self._runs = Runs(
            self._store,
            Place(folder / "jobs", follower),
            Place(folder / "runs", alone),
            self._tracked,
        )
        retention = Retention(self._runs, settings.retention_days, settings.retention_newest)
        self._upkeep = Upkeep(self._store, self._uploads, self._access, retention)
        self._warm = Warm(sys.executable, folder / "warm.log", settings.warm_memory_bytes)
        self._inventory = Inventory(self._store, folder, settings.slots)
        self._runner = Runner(
            self._store,
            self.feed,
            follower,
            folder / "jobs",
            Limits(settings.slots, settings.jobs_per_user or None, settings.slots_per_user or None),
            self._inventory,
            sys.executable,
            Results(follower, models.register, datasets.take, self._uploads.read_by),
            self._blobs.path_of,
            self._warm,
            settings.preemption,
            settings.quotas,
            settings.log_bytes,
        )
        clusters = Clusters(self._store, self._inventory, self._runner.send_back)
        entrance = Entrance(self._store, self._runner.wake, settings.queued_per_user)
        shelves = Shelves(datasets, models, self._uploads, self._blobs)
        work = OtherWork(self._store, self.feed, entrance, shelves, folder / "jobs")
        jobs = Jobs(
            self._store,
            self._runner,
            follower,
            self.feed,
            datasets.find,
            settings.slots,
            self._inventory,
            self.engines,
            OwnCode(self._uploads.find, self._blobs),
            entrance,
            work,
        )
        self._serving = Serving(self._store, self._blobs, folder, models.find)
        self._publishing = Publishing(
            self._store, folder, self._uploads, self._viewer_token, lambda: self.url
        )
        self.tensorboards = TensorBoards(folder, settings.base_url, self._writers_of)
        facts = Facts(
            folder,
            settings.slots,
            lambda: self.url,
            self.engines,
            find_hardware,
            lambda: self._inventory.gpu_percent,
            lambda: self._serving.gateway_url,
            self._warm_check,
        )
        self.rooms: dict[str, object] = {
            "datasets": datasets,
            "algorithms": Algorithms(datasets),
            "jobs": jobs,
            "runs": self._runs,
            "experiments": Experiments(self._store, self._runs),
            "models": models,
            "endpoints": self._serving,
            "services": self._publishing,
            "clusters": clusters,
            "nodes": Nodes(self._store, self._inventory, clusters),
            "events": self.feed,
            "uploads": self._uploads,
            "system": System(self._store, facts),
            "tokens": self.tokens,
        }

    def own(self) -> None:
        """Take the data folder and open the store.

        Raises
        ------
        Unavailable
            When another control plane owns the folder, or the store is damaged.
        """
        self.data_folder.own()
        try:
            self._blobs.open()
            self._store.open()
        except BaseException:
            self.data_folder.disown()
            raise

    async def open(self, url: str, runs_it: Principal, *, standalone: bool) -> None:
        """Begin to work: adopt what runs, and say where we answer.

        Parameters
        ----------
        runs_it
            Whose programs on this machine the token in the data folder lets in.
        standalone
            Whether this server exists for the control plane alone.
        """
        self.url = url.rstrip("/")
        self.feed.open()
        self._engines = asyncio.create_task(find_engines(), name="aimass-engines")
        self._upkeep.open()
        await self._tracked.open()
        await self._inventory.open(self._runner.wake)
        self._runner.open()
        await self._serving.open()
        await self._publishing.open()
        await self._access.open(runs_it, self.url, standalone=standalone)
        if self.settings.warm:
            self._warm.open()

    async def close(self) -> None:
        """Stop working; jobs, endpoints and services go on."""
        if self._engines is not None:
            self._engines.cancel()
            await asyncio.gather(self._engines, return_exceptions=True)
        self.feed.close()
        rooms = (
            self._upkeep,
            self._tracked,
            self._access,
            self.tensorboards,
            self._inventory,
            self._runner,
            self._warm,
            self._serving,
            self._publishing,
        )
        for room in rooms:
            try:
                await room.close()
            except Exception:  # a full disk must not keep the others from closing
                logger.exception("%s could not be closed in order", type(room).__name__)
        await asyncio.to_thread(self._store.close)
        self.data_folder.disown()

    async def engines(self) -> dict[str, str]:
        """Engine → why it cannot be used, or an empty text; waits for the first answer."""
        assert self._engines is not None  # open() asked
        return await asyncio.shield(self._engines)

    def _warm_check(self) -> Check:
        """What doctor says of the warm launcher; jobs start without one, too."""
        warm = self._warm
        found = {
            "off": "off",
            "starting": "starting: jobs start cold meanwhile",
            "ready": f"ready, {warm.size_bytes >> 20} MB, {warm.forked} jobs started",
            "resting": "ended, and is started again: jobs start cold meanwhile",
        }[warm.state]
        why = f" ({warm.why})" if warm.why else ""
        return Check(name="warm launcher", ok=True, found=found + why)

    async def call(
        self,
        principal: Principal,
        operation: Operation,
        request: BaseModel,
        idempotency_key: str | None = None,
        body: AsyncIterator[bytes] | None = None,
    ) -> Any:
        """Run an operation for somebody.

        Raises
        ------
        AimassError
            Whatever the operation finds wrong.
        """
        require(principal, operation.permission)
        if not operation.changes:
            return await self._run(operation, Call(principal, operation.name), request, body)
        call = Call(principal, operation.name, *_identified(idempotency_key, request))
        if idempotency_key and (answer := await self._recall(call, operation)):
            return answer
        return await self._run_change(operation, call, request, body)

    def stream(
        self, principal: Principal, operation: Operation, request: BaseModel
    ) -> AsyncGenerator[Event | Notice, None]:
        """Follow what happens, for somebody."""
        require(principal, operation.permission)
        return self.feed.stream(Call(principal, operation.name), request)  # type: ignore[arg-type]

    async def _run(self, operation: Operation, call: Call, request: BaseModel, body: Any) -> Any:
        verb = "import_" if operation.verb == "import" else operation.verb
        method = getattr(self.rooms[operation.noun], verb)
        if operation.body == "bytes":
            return await method(call, request, body)
        return await method(call, request)

    async def _run_change(
        self, operation: Operation, call: Call, request: BaseModel, body: Any
    ) -> Any:
        """Run what changes something, and note in the audit log who did it."""
        try:
            answer = await self._run(operation, call, request, body)
        except AimassError as error:
            await self._audit(operation, call, request, error.code)
            raise
        await self._audit(operation, call, request, "done")
        if call.idempotency_key:
            await self._remember(call, answer)
        return answer

    async def _audit(
        self, operation: Operation, call: Call, request: BaseModel, outcome: str
    ) -> None:
        subject = " ".join(str(getattr(request, name)) for name in operation.positionals[:1])
        try:
            await self._store.write(
                lambda c: audit.record(c, operation.name, subject, call.user, call.tenant, outcome)
            )
        except AimassError as error:  # what was asked for is done: it must not look as if it failed
            logger.warning(
                "not audited: %s %s by %s: %s", operation.name, subject, call.user, error
            )

    async def _recall(self, call: Call, operation: Operation) -> BaseModel | None:
        key = call.idempotency_key or ""
        known = await self._store.read(
            lambda c: idempotency.recall(
                c, key, call.user, call.tenant, call.operation, call.request_digest
            )
        )
        return operation.response.model_validate(known) if known else None

    async def _remember(self, call: Call, answer: BaseModel) -> None:
        key = call.idempotency_key or ""
        response = answer.model_dump(mode="json", exclude=_secrets(answer))
        await self._store.write(
            lambda c: idempotency.remember(
                c, key, call.user, call.tenant, call.operation, call.request_digest, response
            )
        )

    async def _writers_of(self, ids: set[str], tenant: str) -> set[str]:
        """Of some jobs and runs, those that are a tenant's."""
        return await self._store.read(lambda c: runs.of_tenant(c, ids, tenant))

    async def _viewer_token(self, call: Call) -> str:
        """A token for a published notebook: it may read and predict, nothing else."""
        token = await self.tokens.issue(call.principal, "published notebook", "viewer", TOKEN_LIFE)
        assert token.value is not None  # it was made just now
        return token.value


def _identified(key: str | None, request: BaseModel) -> tuple[str | None, str]:
    """An idempotency key with the digest of the request that it stands for."""
    if key is None:
        return None, ""
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidRequest(f"the idempotency key has more than {MAX_KEY_LENGTH} characters")
    return key, hashlib.sha256(request.model_dump_json().encode()).hexdigest()


def _secrets(answer: BaseModel) -> set[str]:
    """The fields of an answer that are shown once and never stored."""
    fields = type(answer).model_fields
    return {name for name, field in fields.items() if marks(field).get("x-secret")}
