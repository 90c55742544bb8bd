"""Keeps services running: adopts them at start, brings back those that died, gives up at last."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aimass_jupyter.contract.errors import AimassError
from aimass_jupyter.contract.services import Service, ServiceState
from aimass_server.publishing.version import Version, port_of
from aimass_server.store import Store, services

LOOK_SECONDS = 1.0
LAST_DELAY_SECONDS = 60.0
MAX_ATTEMPTS = 8
STEADY_SECONDS = 60.0
RENEW_SECONDS = 7 * 24 * 3600.0

logger = logging.getLogger("aimass.publishing")


@dataclass
class _Recovery:
    """How often a service was brought back in a row, and when it may be again."""

    attempts: int = 0
    due: float = field(default_factory=time.monotonic)

    def note_attempt(self) -> None:
        self.due = time.monotonic() + min(LAST_DELAY_SECONDS, 2.0**self.attempts)
        self.attempts += 1

    @property
    def waits(self) -> bool:
        return time.monotonic() < self.due

    @property
    def steady(self) -> bool:
        """Whether the last attempt has held for long enough to be forgotten."""
        return time.monotonic() > self.due + STEADY_SECONDS


class Keeper:
    """Looks after the services of all tenants.

    Parameters
    ----------
    version_of, lock_of
        The version that a service is at, and the lock under which it may be changed.
    environment
        What its kernels are told of the control plane.
    issue_token
        Makes the token by which they ask it.
    """

    def __init__(
        self,
        store: Store,
        version_of: Callable[[Service], Version],
        lock_of: Callable[[Service], asyncio.Lock],
        environment: Callable[[], dict[str, str]],
        issue_token: Callable[[Service], Awaitable[str]],
    ) -> None:
        self._store = store
        self._version_of = version_of
        self._lock_of = lock_of
        self._environment = environment
        self._issue_token = issue_token
        self._recoveries: dict[str, _Recovery] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rounds: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Clear what a server that was killed left half-done, then look around now and then."""
        for service in await self._store.read(services.every):
            await self._tidy(service)
        self._rounds = asyncio.create_task(self._go_round(), name="aimass-services")

    async def close(self) -> None:
        """Stop looking."""
        tasks = [task for task in (self._rounds, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tidy(self, service: Service) -> None:
        """End every version but the one that counts."""
        current = self._version_of(service)
        stopped = service.state == "stopped"
        for version in await asyncio.to_thread(current.siblings):
            await version.remove(by="the server")
        if stopped:
            await current.stop(by="the server")
        if service.state == "starting":
            message = "the server was stopped while it was published; publish it again"
            await self._move(service, "failed", message)

    async def _go_round(self) -> None:
        while True:
            try:
                await self._look()
            except AimassError as error:
                logger.warning("services could not be looked after just now: %s", error)
            except Exception:  # a fault of ours: it is told, and the others are looked after
                logger.exception("the look at the services failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """Begin to look after each service that nothing else is being done with."""
        for service in await self._store.read(services.every):
            task = self._tasks.get(service.id)
            idle = task is None or task.done()
            if (
                idle
                and service.state in ("ready", "failed")
                and not self._lock_of(service).locked()
            ):
                self._tasks[service.id] = asyncio.create_task(self._look_after(service))

    async def _look_after(self, service: Service) -> None:
        try:
            async with self._lock_of(service):
                await self._mend(service)
        except (AimassError, OSError) as error:
            logger.warning("service '%s' could not be looked after: %s", service.name, error)
        except Exception:  # a fault of ours: told now, and not when the task is forgotten
            logger.exception("looking after service '%s' failed", service.name)

    async def _mend(self, service: Service) -> None:
        """Bring a service to where its row says that it is, or say that it is not there."""
        service = await self._store.read(lambda c: services.find(c, service.id, service.tenant))
        version = self._version_of(service)
        standing = await asyncio.to_thread(version.standing)
        if service.state not in ("ready", "failed") or standing is None:
            return
        if standing.kernel_token_age > RENEW_SECONDS:
            token = await self._issue_token(service)
            await asyncio.to_thread(version.renew_kernel_token, token)
        if standing.alive:
            await self._confirm(service, version)
        else:
            await self._bring_back(service, version)

    async def _confirm(self, service: Service, version: Version) -> None:
        """Note that it runs, and forget past troubles once it has run for a while."""
        recovery = self._recoveries.get(service.id)
        if recovery is not None and recovery.steady:
            del self._recoveries[service.id]
        if service.state == "failed":
            await self._move(service, "ready", url=await asyncio.to_thread(lambda: version.url))

    async def _bring_back(self, service: Service, version: Version) -> None:
        """Start it again, later each time."""
        recovery = self._recoveries.setdefault(service.id, _Recovery())
        if recovery.waits or recovery.attempts == MAX_ATTEMPTS:
            return
        recovery.note_attempt()
        reason = await asyncio.to_thread(version.last_words)
        failed = await self._move(service, "failed", f"it ended ({reason}) and is started again")
        try:
            await version.start(port_of(service.url), self._environment())
        except AimassError as error:
            given_up = recovery.attempts == MAX_ATTEMPTS
            rest = "publish it again" if given_up else "it is tried again"
            await self._move(failed, "failed", f"it could not be started: {error.message}; {rest}")
        else:
            await self._move(failed, "ready", url=await asyncio.to_thread(lambda: version.url))

    async def _move(
        self, service: Service, state: ServiceState, message: str = "", url: str | None = None
    ) -> Service:
        """Note a state; when somebody changed the service meanwhile, theirs stays."""
        address = service.url if url is None else url
        after = service.model_copy(update={"state": state, "message": message, "url": address})
        await self._store.write(lambda c: services.update(c, service, after, service.owner))
        return after
