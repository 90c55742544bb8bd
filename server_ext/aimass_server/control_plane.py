"""Wires the rooms, opens and closes them; the one object that a face may hold."""

from __future__ import annotations

import asyncio
import logging
import sys

from aimass_jupyter.contract.system import Check
from aimass_server.access import Call, Principal, Tokens
from aimass_server.clusters import Clusters, Inventory, Nodes
from aimass_server.data_folder import DataFolder
from aimass_server.events import Feed
from aimass_server.jobs import Jobs
from aimass_server.jobs.code import OwnCode
from aimass_server.jobs.engines import find_engines, find_hardware
from aimass_server.jobs.entering import Entrance
from aimass_server.jobs.following import Follower
from aimass_server.jobs.picture import Limits
from aimass_server.jobs.results import Results
from aimass_server.jobs.runner import Runner
from aimass_server.jobs.work import OtherWork
from aimass_server.library import Algorithms, Datasets, Models, Shelves, Uploads
from aimass_server.performing import Operations
from aimass_server.programs import Warm
from aimass_server.publishing import Publishing
from aimass_server.serving import Serving
from aimass_server.settings import Settings
from aimass_server.store import Blobs, Store, runs
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

logger = logging.getLogger("aimass.control_plane")


class ControlPlane:
    """Everything behind the operation table.

    Attributes
    ----------
    operations
        Performs them; what the faces hold.
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
        self._access = LocalAccess(self.tokens, self.data_folder)
        self._uploads = Uploads(self._store, self._blobs, settings.max_upload_bytes)
        self._models = Models(self._store, self._blobs, self._uploads)
        self._datasets = Datasets(
            self._store,
            self._blobs,
            self._uploads,
            lambda call, asked: self._work.import_now(call, asked),
        )
        self._make_runs()
        self._make_jobs()
        self._make_services()
        self.operations = Operations(self._store, self.feed, self._rooms())

    def _make_runs(self) -> None:
        """What is tracked, of jobs and of programs without one."""
        settings, folder = self.settings, self.settings.folder
        self._follower = Follower(folder / "jobs", EventFileReader)
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
            Place(folder / "jobs", self._follower),
            Place(folder / "runs", alone),
            self._tracked,
        )
        retention = Retention(self._runs, settings.retention_days, settings.retention_newest)
        self._upkeep = Upkeep(self._store, self._uploads, self._access, retention)
        self.tensorboards = TensorBoards(folder, settings.base_url, self._writers_of)

    def _make_jobs(self) -> None:
        """The queue, what runs it, and where it runs."""
        settings, folder = self.settings, self.settings.folder
        self._warm = Warm(sys.executable, folder / "warm.log", settings.warm_memory_bytes)
        self._inventory = Inventory(self._store, folder, settings.slots, settings.gpus)
        self._runner = Runner(
            self._store,
            self.feed,
            self._follower,
            folder / "jobs",
            Limits(settings.slots, settings.jobs_per_user or None, settings.slots_per_user or None),
            self._inventory,
            sys.executable,
            Results(
                self._follower, self._models.register, self._datasets.take, self._uploads.read_by
            ),
            self._blobs.path_of,
            self._warm,
            settings.preemption,
            settings.quotas,
            settings.log_bytes,
        )
        self._clusters = Clusters(self._store, self._inventory, self._runner.send_back)
        entrance = Entrance(
            self._store,
            self._runner.wake,
            lambda: self._inventory.this_machine,
            settings.queued_per_user,
            settings.slots_per_user,
        )
        shelves = Shelves(self._datasets, self._models, self._uploads, self._blobs)
        self._work = OtherWork(self._store, self.feed, entrance, shelves, folder / "jobs")
        self._jobs = Jobs(
            self._store,
            self._runner,
            self._follower,
            self.feed,
            self._datasets.find,
            settings.slots,
            self._inventory,
            self.engines,
            OwnCode(self._uploads.find, self._blobs),
            entrance,
            self._work,
        )

    def _make_services(self) -> None:
        """What answers others: endpoints and published notebooks."""
        folder = self.settings.folder
        self._serving = Serving(self._store, self._blobs, folder, self._models.find)
        self._publishing = Publishing(
            self._store, folder, self._uploads, self._viewer_token, lambda: self.url
        )

    def _rooms(self) -> dict[str, object]:
        """The room of each noun."""
        facts = Facts(
            self.settings.folder,
            self.settings.slots,
            self.settings.gpus,
            lambda: self.url,
            self.engines,
            find_hardware,
            lambda: self._inventory.gpu_percent,
            lambda: self._serving.gateway_url,
            self._warm_check,
        )
        return {
            "datasets": self._datasets,
            "algorithms": Algorithms(self._datasets),
            "jobs": self._jobs,
            "runs": self._runs,
            "experiments": Experiments(self._store, self._runs),
            "models": self._models,
            "endpoints": self._serving,
            "services": self._publishing,
            "clusters": self._clusters,
            "nodes": Nodes(self._store, self._inventory, self._clusters),
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

    async def _writers_of(self, ids: set[str], tenant: str) -> set[str]:
        """Of some jobs and runs, those that are a tenant's."""
        return await self._store.read(lambda c: runs.of_tenant(c, ids, tenant))

    async def _viewer_token(self, call: Call) -> str:
        """A token for a published notebook: it may read and predict, nothing else."""
        token = await self.tokens.issue(call.principal, "published notebook", "viewer", TOKEN_LIFE)
        assert token.value is not None  # it was made just now
        return token.value
