"""What has to be done from time to time: forget what is old, renew the token of this machine."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from aimass_jupyter.contract.ids import Clock, utc_now
from aimass_jupyter.contract.system import Token
from aimass_server.access import Principal, Tokens
from aimass_server.data_folder import DataFolder
from aimass_server.library import Uploads
from aimass_server.store import Connection, Store, audit, events, idempotency, tokens
from aimass_server.tracking import Runs

ROUND_SECONDS = 3600.0
ANSWERS_KEPT = timedelta(days=1)
HISTORY_KEPT = timedelta(days=90)
TOKEN_LIFE = timedelta(days=30)
TOKEN_RENEWED = timedelta(days=7)

logger = logging.getLogger("aimass.upkeep")


class LocalAccess:
    """The token in the data folder that lets in programs of whoever runs the control plane."""

    def __init__(self, issuer: Tokens, folder: DataFolder, clock: Clock = utc_now) -> None:
        self._issuer = issuer
        self._folder = folder
        self._clock = clock
        self._token: Token | None = None

    async def open(self, principal: Principal, url: str, *, standalone: bool) -> None:
        """Say where the control plane answers, with a fresh token; the one before is ended."""
        self._principal, self._url, self._standalone = principal, url, standalone
        before = self._token
        token = await self._issuer.issue(
            principal, "programs of this machine", principal.role, TOKEN_LIFE
        )
        assert token.value is not None  # it was made just now
        await asyncio.to_thread(self._folder.announce, url, token.value, standalone=standalone)
        self._token = token
        if before is not None:
            await self._issuer.end(before, principal.tenant)

    async def renew(self) -> None:
        """Draw another token when this one has served for a while; clients read the file again."""
        if self._token and self._clock() - self._token.created_at > TOKEN_RENEWED:
            await self.open(self._principal, self._url, standalone=self._standalone)

    async def close(self) -> None:
        """End the token."""
        if self._token is not None:
            await self._issuer.end(self._token, self._principal.tenant)
            self._token = None


class Retention:
    """Deletes runs by an administrator's rule.

    Parameters
    ----------
    days
        Runs that ended longer ago go; 0 keeps them all.
    newest
        So many of the newest runs of each experiment stay, however old.
    """

    def __init__(self, runs: Runs, days: float, newest: int) -> None:
        self._runs = runs
        self._days = days
        self._newest = newest

    async def take(self) -> None:
        """Delete what the rule takes."""
        if not self._days:
            return
        pruned = await self._runs.prune_everywhere(self._days, self._newest)
        if pruned.runs:
            logger.info("retention: %d runs, %d bytes", len(pruned.runs), pruned.freed_bytes)


class Upkeep:
    """A round now and every hour, for as long as the control plane runs."""

    def __init__(
        self,
        store: Store,
        uploads: Uploads,
        access: LocalAccess,
        retention: Retention,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._access = access
        self._retention = retention
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._task = asyncio.create_task(self._go_round(), name="aimass-upkeep")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def one_round(self) -> None:
        """Do all of it once."""
        await self._uploads.forget_old()
        now = self._clock()
        await self._store.write(lambda c: _forget(c, now))
        await self._access.renew()
        await self._retention.take()

    async def _go_round(self) -> None:
        await self._uploads.sweep()
        while True:
            try:
                await self.one_round()
            except Exception:  # the next round tries again
                logger.exception("the upkeep of this hour could not be done")
            await asyncio.sleep(ROUND_SECONDS)


def _forget(connection: Connection, now: datetime) -> None:
    idempotency.forget_older(connection, now - ANSWERS_KEPT)
    events.forget_older(connection, now - HISTORY_KEPT)
    audit.forget_older(connection, now - HISTORY_KEPT)
    tokens.forget_expired(connection, now)
