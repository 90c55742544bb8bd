"""The control plane's side of the gateway: keeps the program running, gives it the route table.

It owns ``<data>/gateway``; it knows no endpoint, only the table that it is given.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_jupyter.contract.errors import AimassError, Unavailable
from aimass_jupyter.host import read_record, write_record
from aimass_server.serving.deployment import Starts, failed_start, has_ended
from aimass_server.serving.gateway.app import INFER_SECONDS
from aimass_server.store.blobs import storage_errors

if TYPE_CHECKING:
    import httpx

START_SECONDS = 40.0
LOOK_SECONDS = 0.5
GRACE_SECONDS = 12.0
_ASK_SECONDS = 10.0
_POLL_SECONDS = 0.05

Routes = dict[str, dict[str, Any]]
logger = logging.getLogger("aimass.serving")


class Front:
    """The gateway, as the control plane sees it.

    Parameters
    ----------
    folder
        ``<data>/gateway``
    port
        The port to prefer; 0 takes the one of the last time, or any.
    allowed_hosts
        Names besides the loopback ones that clients may call it by.
    read_routes
        Gives the route table as it should be now.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        allowed_hosts: tuple[str, ...],
        read_routes: Callable[[], Awaitable[Routes]],
    ) -> None:
        self._folder = folder
        self._settings = {"host": "127.0.0.1", "port": port, "allowed_hosts": list(allowed_hosts)}
        self._read_routes = read_routes
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._starts = Starts(folder, f"AIMASS_GATEWAY_ID={name}")
        self._url: str | None = None
        self._client: httpx.AsyncClient | None = None
        self._starting = asyncio.Lock()
        self._publishing = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None

    @property
    def url(self) -> str | None:
        """Where it answers; None while it was never needed."""
        return self._url

    async def open(self) -> None:
        """Adopt the gateway or start it, where there is anything to answer for."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._url = self._recorded_url()
        newest = self._starts.newest
        if (newest and not has_ended(newest)) or await self._read_routes():
            self._looking = asyncio.create_task(self._look_after(), name="aimass-gateway")

    async def close(self) -> None:
        """Stop looking after it; it goes on."""
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._client:
            await self._client.aclose()
            self._client = None

    async def ensure(self) -> str:
        """Have it running and answering; returns its URL.

        Raises
        ------
        Failed
            When it does not come up; with the end of its log.
        """
        async with self._starting:
            if not (self._starts.is_running() and await self._generation() is not None):
                await self._start()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_after(), name="aimass-gateway")
        assert self._url is not None  # it answered
        return self._url

    async def publish(self) -> None:
        """Write the route table as it should be now, and wait until it is in force.

        Raises
        ------
        Unavailable
            When the gateway does not take it.
        """
        async with self._publishing:
            generation = time.time_ns()
            table = {"generation": generation, "routes": await self._read_routes()}
            with storage_errors():
                await asyncio.to_thread(write_record, self._folder / "routes.json", table)
            if self._starts.is_running():
                await self._see_in_force(generation)

    async def _see_in_force(self, generation: int) -> None:
        if await self._generation() == generation:
            return
        await self.ensure()  # it may be starting just now, and reads the table as it does
        if await self._generation() != generation:
            raise Unavailable("the gateway did not take the new route table", retry_after=2)

    async def infer(self, endpoint_id: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Ask an endpoint; returns the status and the JSON of the answer.

        Raises
        ------
        Unavailable
            When the gateway cannot be reached.
        """
        import httpx

        url = f"{self._recorded_url() or await self.ensure()}/v2/models/{endpoint_id}/infer"
        try:
            answer = await self._http().post(url, content=body, timeout=INFER_SECONDS + 5)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"the gateway does not answer: {reason}", retry_after=2) from error
        return answer.status_code, answer.json()

    async def usage(self, endpoint_id: str) -> dict[str, Any]:
        """What the gateway counted of an endpoint.

        Raises
        ------
        Unavailable
            When the gateway cannot be reached.
        """
        import httpx

        url = f"{self._recorded_url() or await self.ensure()}/internal/usage/{endpoint_id}"
        try:
            answer = await self._http().get(url, timeout=_ASK_SECONDS)
            content: dict[str, Any] = answer.json()
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"the gateway does not answer: {reason}", retry_after=2) from error
        if answer.status_code != 200:
            raise Unavailable(
                f"the gateway tells nothing of it: {content.get('error', '')}", retry_after=2
            )
        return content

    async def _look_after(self) -> None:
        """Start it again whenever it ended."""
        in_force = False
        while True:
            if not in_force or not self._starts.is_running():
                in_force = await self._restore()
            await asyncio.sleep(LOOK_SECONDS)

    async def _restore(self) -> bool:
        try:
            await self.ensure()
            await self.publish()
        except (AimassError, OSError) as error:
            logger.warning("the gateway does not run: %s", error)
            return False
        except Exception:  # a fault of ours must not end the looking
            logger.exception("looking after the gateway failed")
            return False
        return True

    async def _start(self) -> None:
        argv = [sys.executable, "-m", "aimass_server.serving.gateway", str(self._folder)]
        with storage_errors():
            await asyncio.to_thread(self._prepare)
            program = await self._starts.begin(argv, GRACE_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        while await self._generation() is None:
            if has_ended(program) or time.monotonic() > deadline:
                await program.stop("a failed start", timeout_seconds=5)
                raise failed_start("the gateway did not start", program)
            await asyncio.sleep(_POLL_SECONDS)
        self._tell_when_moved()

    def _prepare(self) -> None:
        """Write what the gateway reads at its start. Blocks.

        The address of the time before is taken away: somebody else may listen there by now, and
        would be shown our key.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings, address = self._folder / "settings.json", self._folder / "address.json"
        known = read_record(address) or {"port": (read_record(settings) or {}).get("last_port", 0)}
        write_record(settings, self._settings | {"last_port": known["port"]})
        address.unlink(missing_ok=True)
        if read_record(self._folder / "internal.json") is None:
            write_record(self._folder / "internal.json", {"key": secrets.token_urlsafe(32)})

    def _tell_when_moved(self) -> None:
        record = read_record(self._folder / "address.json") or {}
        if taken := record.get("taken"):
            logger.warning(
                "port %s is taken by another program: the gateway answers at %s now, "
                "and so do all endpoints",
                taken,
                self._url,
            )

    async def _generation(self) -> int | None:
        """Which route table is in force; None when it does not answer as ours."""
        import httpx

        if (url := self._recorded_url()) is None:
            return None
        self._url = url
        try:
            answer = await self._http().get(f"{url}/internal/generation", timeout=_ASK_SECONDS)
            return int(answer.json()["generation"]) if answer.status_code == 200 else None
        except (httpx.HTTPError, json.JSONDecodeError):
            return None

    def _recorded_url(self) -> str | None:
        record = read_record(self._folder / "address.json")
        return f"http://{record['host']}:{record['port']}" if record else None

    def _http(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            internal = read_record(self._folder / "internal.json") or {"key": ""}
            headers = {"x-api-key": str(internal["key"])}
            self._client = httpx.AsyncClient(headers=headers, trust_env=False)
        return self._client
