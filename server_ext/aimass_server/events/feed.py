"""The feed: every follower reads the same table from where it stands, woken by each commit."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.events import Event, EventList, EventStream
from aimass_server.access import Call
from aimass_server.store import Store, events

BATCH = 500


@dataclass(frozen=True)
class Notice:
    """Something that passes: only the newest of a topic and subject is worth telling."""

    topic: str
    subject: str
    tenant: str
    data: dict[str, Any]


class _Follower:
    """One who follows: what waits for it is bounded by the number of subjects."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.woken = asyncio.Event()
        self.notices: OrderedDict[tuple[str, str], Notice] = OrderedDict()

    def take_notices(self) -> list[Notice]:
        taken = list(self.notices.values())
        self.notices.clear()
        return taken


class Feed:
    """Delivers events and notices to followers, and lists events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followers: set[_Follower] = set()
        self._told: set[Callable[[], None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def open(self) -> None:
        """Remember the loop that followers wait on; call it from that loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._wake()

    def committed(self) -> None:
        """Tell the followers to look; called on the writer's thread after a commit."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have ``tell`` called on the loop after each commit, for as long as the block runs."""
        self._told.add(tell)
        try:
            yield
        finally:
            self._told.discard(tell)

    def notify(self, notice: Notice) -> None:
        """Pass a notice to those who follow now."""
        for follower in self._followers:
            if follower.tenant == notice.tenant:
                follower.notices[notice.topic, notice.subject] = notice
                follower.woken.set()

    async def list(self, call: Call, request: EventList) -> Page[Event]:
        """Events after a sequence number."""
        found = await self._after(request.after, request.limit, call.tenant)
        more = len(found) == request.limit
        return Page[Event](items=[*found], next_token=str(found[-1].sequence) if more else None)

    async def newest(self) -> int:
        """The sequence number of what happened last."""
        return await self._store.read(events.newest)

    async def stream(
        self, call: Call, request: EventStream
    ) -> AsyncGenerator[Event | Notice, None]:
        """Events from a sequence number on, then what happens, until the feed closes."""
        follower = _Follower(call.tenant)
        self._followers.add(follower)
        try:
            sequence = await self.newest() if request.after is None else request.after
            while not self._closed:
                follower.woken.clear()
                found = await self._after(sequence, BATCH, call.tenant)
                for event in found:
                    yield event
                    sequence = event.sequence
                for notice in follower.take_notices():
                    yield notice
                if len(found) < BATCH:
                    await follower.woken.wait()
        finally:
            self._followers.discard(follower)

    async def _after(self, sequence: int, limit: int, tenant: str) -> Sequence[Event]:
        return await self._store.read(lambda c: events.after(c, sequence, limit, tenant))

    def _wake(self) -> None:
        for follower in self._followers:
            follower.woken.set()
        for tell in self._told:
            tell()
