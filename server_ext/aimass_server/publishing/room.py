"""The published notebooks of a tenant: publish, list, show, stop."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import httpx
import websocket

from aimass_jupyter.contract.base import NAME_PATTERN, Page
from aimass_jupyter.contract.errors import AimassError, Conflict, Failed, InvalidRequest, TooLarge
from aimass_jupyter.contract.ids import new_id, plain_name, utc_now
from aimass_jupyter.contract.services import (
    Service,
    ServiceList,
    ServiceLog,
    ServiceLogs,
    ServicePublish,
    ServiceRef,
)
from aimass_jupyter.contract.uploads import Upload
from aimass_server.access import Call, Principal, require_owner
from aimass_server.publishing import logs
from aimass_server.publishing.keeper import Keeper
from aimass_server.publishing.notebook import FrozenNotebook, freeze
from aimass_server.publishing.probe import probe
from aimass_server.publishing.version import Version, port_of
from aimass_server.store import Store, services
from aimass_server.store.blobs import Blob, storage_errors

MAX_NOTEBOOK_BYTES = 64 << 20


class Uploads(Protocol):
    """Where the bytes of a notebook are found."""

    async def find(self, call: Call, upload_id: str) -> tuple[Upload, Blob]: ...

    async def used(self, upload: Upload) -> None: ...


IssueToken = Callable[[Call], Awaitable[str]]


class Publishing:
    """What can be asked of published notebooks.

    Parameters
    ----------
    folder
        The data folder.
    issue_token
        Makes the token by which a dashboard's kernels ask the control plane: a viewer's.
    url
        Tells where the control plane answers now.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        uploads: Uploads,
        issue_token: IssueToken,
        url: Callable[[], str],
    ) -> None:
        self._store = store
        self._folder = folder
        self._uploads = uploads
        self._issue_token = issue_token
        self._url = url
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._keeper = Keeper(
            store, self._version_of, self._lock_of, self._environment, self._token_of_owner
        )

    async def open(self) -> None:
        """Adopt what runs, end what should not, and keep the rest running from now on."""
        await self._keeper.open()

    async def close(self) -> None:
        """Stop looking after the services; they go on."""
        await self._keeper.close()

    async def publish(self, call: Call, request: ServicePublish) -> Service:
        """Publish a notebook, or a new version of it, once a probe has seen it work."""
        upload, blob = await self._uploads.find(call, request.notebook)
        name = request.name or _name_of(upload.filename)
        _require_size(upload)
        content = await asyncio.to_thread(blob.path.read_bytes)
        notebook = await asyncio.to_thread(freeze, content, upload.filename)
        async with self._locks[call.tenant, name]:
            service = await self._begin(call, name, upload.filename)
            published = await self._bring_up(call, service, upload.filename, notebook)
        await self._uploads.used(upload)
        return published

    async def list(self, call: Call, request: ServiceList) -> Page[Service]:
        """A page of services, by name."""
        return await self._store.read(lambda c: services.page(c, request, call.tenant))

    async def show(self, call: Call, request: ServiceRef) -> Service:
        """One service."""
        return await self._store.read(lambda c: services.find(c, request.service, call.tenant))

    async def logs(self, call: Call, request: ServiceLogs) -> ServiceLog:
        """What its page and its kernels wrote, for its owner: it may tell more than the page does.

        Raises
        ------
        InvalidRequest
            When the cursor is not one of ours.
        """
        found = await self._store.read(lambda c: services.find(c, request.service, call.tenant))
        require_owner(call.principal, found.owner, f"the log of service '{found.name}'")
        version = self._version_of(found)
        return await asyncio.to_thread(logs.read, version, request.cursor, request.limit_bytes)

    async def stop(self, call: Call, request: ServiceRef) -> Service:
        """Stop a service and the kernels of its viewers; stopping twice is harmless."""
        found = await self.show(call, request)
        require_owner(call.principal, found.owner, f"service '{found.name}'")
        async with self._lock_of(found):
            service = await self.show(call, ServiceRef(service=found.id))
            stopped = service.model_copy(update={"state": "stopped", "message": ""})
            if service.state != "stopped":
                await self._change(service, stopped, call.user)
            await self._version_of(service).stop(by=call.user)
        return stopped

    async def _begin(self, call: Call, name: str, filename: str) -> Service:
        """The service as it is; a new one is noted before anything is started for it."""
        service = await self._store.read(lambda c: services.named(c, name, call.tenant))
        if service is not None:
            require_owner(call.principal, service.owner, f"service '{name}'")
            return service
        now = utc_now()
        service = Service(
            id=new_id("service"), name=name, owner=call.user, tenant=call.tenant,
            notebook=filename, version=0, state="starting", url="", created_at=now,
            published_at=now,
        )  # fmt: skip
        await self._store.write(lambda c: services.insert(c, service))
        return service

    async def _bring_up(
        self, call: Call, before: Service, filename: str, notebook: FrozenNotebook
    ) -> Service:
        """Start the next version, see that it works, and switch to it; else all is as it was."""
        after = before.model_copy(
            update={"version": before.version + 1, "state": "ready", "notebook": filename}
        )
        old, new = self._version_of(before), self._version_of(after)
        try:
            with storage_errors():
                await self._start(call, old, new, before, notebook)
            after = after.model_copy(
                update={"url": new.url, "message": "", "published_at": utc_now()}
            )
            await self._change(before, after, call.user)
        except BaseException as error:
            await new.remove(by=call.user)
            if before.version == 0:
                await self._note_failure(before, error, call.user)
            raise
        await old.remove(by=call.user)
        return after

    async def _start(
        self, call: Call, old: Version, new: Version, before: Service, notebook: FrozenNotebook
    ) -> None:
        """Start and probe a version; it gets the old one's port if that is served still."""
        await new.remove(by=call.user)  # what a publication that was cut off left
        token = await self._issue_token(call)
        await asyncio.to_thread(new.freeze, notebook.content, token)
        kept = old.port if old.alive else 0
        await new.start(0 if kept else port_of(before.url), self._environment())
        await self._probe(new, notebook)
        if kept:
            await new.take_over(kept)

    async def _probe(self, version: Version, notebook: FrozenNotebook) -> None:
        try:
            await asyncio.to_thread(probe, version.port, version.secrets.token, notebook)
        except AimassError as error:
            raise _error_of_cell(version, notebook) or error from error
        except (OSError, httpx.HTTPError, websocket.WebSocketException) as error:
            raise Failed(
                f"the page broke off as it was opened: {error}", "publish it again"
            ) from error

    async def _change(self, before: Service, after: Service, actor: str) -> None:
        if not await self._store.write(lambda c: services.update(c, before, after, actor)):
            raise Conflict(f"service '{before.name}' was changed by somebody else", "try again")

    async def _note_failure(self, service: Service, error: BaseException, actor: str) -> None:
        message = error.message if isinstance(error, AimassError) else "it was cut off"
        failed = service.model_copy(update={"state": "failed", "message": message})
        await self._change(service, failed, actor)

    def _version_of(self, service: Service) -> Version:
        return Version(self._folder / "services" / service.id, service.version)

    def _lock_of(self, service: Service) -> asyncio.Lock:
        """One change of a service at a time."""
        return self._locks[service.tenant, service.name]

    async def _token_of_owner(self, service: Service) -> str:
        owner = Principal(service.owner, "viewer", service.tenant)
        return await self._issue_token(Call(owner, "services.publish"))

    def _environment(self) -> dict[str, str]:
        """What the kernels of a dashboard are told of the control plane."""
        return {"AIMASS_URL": self._url(), "AIMASS_DATA": str(self._folder)}


def _name_of(filename: str) -> str:
    """The name of a service that was given none: its file's, without what names may not have."""
    name = plain_name(filename.removesuffix(".ipynb"))
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidRequest(
            f"'{filename}' gives no name for the service", "pass one: --name sales"
        )
    return name


def _require_size(upload: Upload) -> None:
    """A notebook is read whole: what is too large for that is none."""
    if upload.size_bytes > MAX_NOTEBOOK_BYTES:
        raise TooLarge(
            f"'{upload.filename}' has {upload.size_bytes} bytes, "
            f"a notebook may have {MAX_NOTEBOOK_BYTES}",
            "clear its outputs, and have it read its data from a dataset",
        )


def _error_of_cell(version: Version, notebook: FrozenNotebook) -> Failed | None:
    """The error of the cell that failed, if one did, for the author's eyes."""
    record = version.cell_error
    if record is None:
        return None
    number = notebook.number_of(record["index"])
    line = notebook.first_lines.get(record["index"], "")
    return Failed(
        f"cell {number} failed: {record['name']}: {record['value']}",
        "mend it, run the notebook once from the top, publish it again",
        details=[{"cell": number, "line": line, "error": record["name"]}],
    )
