"""The deployments that should run, kept running: adopted, started again, swept.

It acts on processes and folders and notes states in the database; which model an endpoint serves,
and who may say so, is decided in :mod:`aimass_server.serving.room`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from weakref import WeakValueDictionary

from aimass_jupyter.contract.endpoints import EndpointState
from aimass_jupyter.contract.errors import AimassError
from aimass_server.serving.deployment import Deployment, Pulse
from aimass_server.serving.sockets import make_private, remove_if_empty, socket_folder
from aimass_server.store import Blobs, Store, endpoints
from aimass_server.store.endpoints import KeptEndpoint

LOOK_SECONDS = 0.5
PULSE_EVERY_SECONDS = 5.0
STARTS_AT_ONCE = 2
DELAYS_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
GIVEN_UP_SECONDS = 60.0
LASTING_SECONDS = 120.0

logger = logging.getLogger("aimass.serving")


class Restarts:
    """How long to wait before the next start: longer after each that did not last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tried = 0
        self._started_at = clock()

    def next_delay(self) -> float:
        """The seconds to wait now; ``GIVEN_UP_SECONDS`` once it no longer looks like bad luck."""
        now = self._clock()
        if now - self._started_at > LASTING_SECONDS:
            self._tried = 0
        given_up = self._tried >= len(DELAYS_SECONDS)
        delay = GIVEN_UP_SECONDS if given_up else DELAYS_SECONDS[self._tried]
        self._tried += 1
        self._started_at = now + delay
        return delay


class Fleet:
    """Every deployment that should run.

    Parameters
    ----------
    data
        The data folder.
    on_state
        Called after the state of an endpoint changed by itself.
    """

    def __init__(
        self, store: Store, blobs: Blobs, data: Path, on_state: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._folder = data / "endpoints"
        self._sockets = socket_folder(data)
        self._on_state = on_state
        self._wanted: dict[str, KeptEndpoint] = {}
        self._restarts: dict[str, Restarts] = {}
        self._reviving: dict[str, asyncio.Task[None]] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._looking: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Adopt what runs, sweep what nobody wants, and begin to look after the rest."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = await self._store.read(endpoints.every)
        self._wanted = {endpoint.id: endpoint for endpoint in kept}
        for left in await asyncio.to_thread(lambda: list(self._unwanted())):
            self._retire(left)
        for endpoint in kept:
            if endpoint.state != "ready":
                self._revive(endpoint)
        self._looking = [
            asyncio.create_task(self._look_after(), name="aimass-endpoints"),
            asyncio.create_task(self._feel_pulses(), name="aimass-pulses"),
        ]

    async def close(self) -> None:
        """Stop looking; what runs goes on, what was being ended is ended by its supervisor."""
        tasks = [*self._looking, *self._reviving.values(), *self._retiring]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def alone(self, tenant: str, name: str) -> asyncio.Lock:
        """The lock under which an endpoint is changed."""
        return self._locks.setdefault((tenant, name), asyncio.Lock())

    def socket_of(self, endpoint: KeptEndpoint) -> Path:
        """Where the replica of an endpoint listens."""
        return self._sockets / f"{endpoint.id}-{endpoint.deployment}.sock"

    async def bring_up(self, endpoint: KeptEndpoint) -> None:
        """Start what an endpoint shall serve; nothing of it is left when it does not come up."""
        deployment = self._deployment(endpoint)
        await deployment.remove("a new start")
        try:
            await self._start(deployment)
        except BaseException:
            await deployment.remove("a failed start")
            raise

    def want(self, endpoint: KeptEndpoint) -> None:
        """Keep this running from now on, in place of what the endpoint had before."""
        before = self._wanted.get(endpoint.id)
        self._wanted[endpoint.id] = endpoint
        self._restarts[endpoint.id] = Restarts()
        if before:
            self._retire(self._deployment(before))

    async def drop(self, endpoint: KeptEndpoint) -> None:
        """End what an endpoint has, for good."""
        self._wanted.pop(endpoint.id, None)
        self._restarts.pop(endpoint.id, None)
        await self._deployment(endpoint).remove("endpoints delete")
        remove_if_empty(self._sockets)

    async def discard(self, endpoint: KeptEndpoint) -> None:
        """End what was brought up and is not wanted after all."""
        await self._deployment(endpoint).remove("a deploy that was not finished")

    async def _start(self, deployment: Deployment) -> None:
        make_private(self._sockets)  # each time: whoever tidies /tmp may have taken it
        await deployment.start()

    def _deployment(self, endpoint: KeptEndpoint) -> Deployment:
        folder = self._folder / endpoint.id / str(endpoint.deployment)
        bundle = self._blobs.path_of(endpoint.digest)
        socket = self.socket_of(endpoint)
        return Deployment(folder, socket, bundle, endpoint.name, endpoint.model)

    def _unwanted(self) -> Iterator[Deployment]:
        """What lies here of endpoints or deployments that are no more. Blocks."""
        for folder in self._folder.glob("*/*"):
            endpoint = self._wanted.get(folder.parent.name)
            if endpoint is None or str(endpoint.deployment) != folder.name:
                socket = self._sockets / f"{folder.parent.name}-{folder.name}.sock"
                yield Deployment(folder, socket, Path(), "", "")

    def _retire(self, deployment: Deployment) -> None:
        """End a deployment beside everything else: it may still have answers to give."""
        task = asyncio.create_task(deployment.remove("a newer deployment"))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _look_after(self) -> None:
        while True:
            running = await asyncio.to_thread(self._look)
            for endpoint in list(self._wanted.values()):
                if endpoint.id not in self._reviving and not running.get(endpoint.id, True):
                    self._revive(endpoint)
            await asyncio.sleep(LOOK_SECONDS)

    async def _feel_pulses(self) -> None:
        """End replicas that run and do not answer any more: they are started again then."""
        pulses: dict[Path, Pulse] = {}
        while True:
            await asyncio.sleep(PULSE_EVERY_SECONDS)
            deployments = [
                self._deployment(endpoint)
                for endpoint in self._wanted.values()
                if endpoint.id not in self._reviving
            ]
            pulses = {d.socket: pulses.get(d.socket) or Pulse(d) for d in deployments}
            await asyncio.gather(*(self._feel(d, pulses[d.socket]) for d in deployments))

    async def _feel(self, deployment: Deployment, pulse: Pulse) -> None:
        try:
            if await pulse.is_lost():
                logger.warning("%s does not answer and is ended", deployment.socket.name)
                await deployment.kill()
        except Exception:  # a fault of ours must not end the looking, nor hide behind it
            logger.exception("feeling the pulse of %s failed", deployment.socket.name)

    def _look(self) -> dict[str, bool]:
        """Which endpoints' replicas run. Blocks."""
        wanted = list(self._wanted.values())
        return {endpoint.id: self._runs(endpoint) for endpoint in wanted}

    def _runs(self, endpoint: KeptEndpoint) -> bool:
        """Whether its replica runs, or that cannot be told now: the next look may see more."""
        try:
            return self._deployment(endpoint).is_running()
        except OSError as error:  # no file left to open
            logger.warning("'%s' could not be looked at just now: %s", endpoint.name, error)
        except Exception:  # a fault of ours must not end the looking
            logger.exception("looking at endpoint '%s' failed", endpoint.name)
        return True

    def _revive(self, endpoint: KeptEndpoint) -> None:
        task = asyncio.create_task(self._start_again(endpoint))
        self._reviving[endpoint.id] = task
        task.add_done_callback(lambda _: self._reviving.pop(endpoint.id, None))

    async def _start_again(self, endpoint: KeptEndpoint) -> None:
        """Start a replica that ended, after a while that grows; say in the state what goes on."""
        delay = self._restarts.setdefault(endpoint.id, Restarts()).next_delay()
        try:
            if delay < GIVEN_UP_SECONDS:
                await self._note(endpoint, "starting", "its replica ended and is started again")
            await asyncio.sleep(delay)
            async with self.alone(endpoint.tenant, endpoint.name):
                if self._is_current(endpoint):
                    async with self._starting:
                        await self._start(self._deployment(endpoint))
                    await self._note(endpoint, "ready", "")
        except (AimassError, OSError) as error:
            logger.warning("endpoint '%s' did not come back: %s", endpoint.name, error)
            await self._note(endpoint, "failed", str(error))

    def _is_current(self, endpoint: KeptEndpoint) -> bool:
        current = self._wanted.get(endpoint.id)
        return current is not None and current.deployment == endpoint.deployment

    async def _note(self, endpoint: KeptEndpoint, state: EndpointState, message: str) -> None:
        """Note a state that came by itself; the database may be away, the replica matters more."""
        try:
            await self._store.write(lambda c: endpoints.move(c, endpoint, state, message))
            await self._on_state()
        except AimassError as error:
            logger.warning("'%s' is %s, which could not be noted: %s", endpoint.name, state, error)
