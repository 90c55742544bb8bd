"""Performs operations for somebody: may they, was it done already, and who did it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from pydantic import BaseModel

from aimass_jupyter.contract.errors import AimassError, InvalidRequest
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.operation import Operation, marks
from aimass_jupyter.source.inline import is_inline
from aimass_server.access import Call, Principal, require
from aimass_server.events import Feed, Notice
from aimass_server.store import Store, audit, idempotency

MAX_KEY_LENGTH = 128

logger = logging.getLogger("aimass.operations")


class Operations:
    """The operation table at work.

    ``call`` looks up the room of an operation's noun and its method of that verb; so an operation
    needs no entry anywhere as long as its noun has a room.

    Parameters
    ----------
    rooms
        The room of each noun.
    """

    def __init__(self, store: Store, feed: Feed, rooms: dict[str, object]) -> None:
        self._store = store
        self._feed = feed
        self.rooms = rooms

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
        return self._feed.stream(Call(principal, operation.name), request)  # type: ignore[arg-type]

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
            await self._audit(operation, call, _subject(operation, request, None), error.code)
            raise
        notes = [self._audit(operation, call, _subject(operation, request, answer), "done")]
        if call.idempotency_key:
            notes.append(self._remember(call, answer))
        await asyncio.gather(*notes)  # at once, so that one commit holds both
        return answer

    async def _audit(self, operation: Operation, call: Call, subject: str, outcome: str) -> None:
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


def _subject(operation: Operation, request: BaseModel, answer: Any) -> str:
    """What it was done to, by its name. Own code may come as text: that is not kept here."""
    first = [(request, field) for field in operation.positionals[:1]]
    places = [*first, (request, "name"), (answer, "name"), (request, "dataset")]
    told = (str(getattr(thing, field, None) or "") for thing, field in places)
    return next((text for text in told if text and not is_inline(text)), "")


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
