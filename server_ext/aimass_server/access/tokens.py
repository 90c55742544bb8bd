"""Tokens of users, for programs: 256 random bits, kept as a hash, shown once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from aimass_jupyter.contract.base import Done, Page, PageRequest
from aimass_jupyter.contract.errors import NotFound, Unauthenticated
from aimass_jupyter.contract.ids import Clock, new_id, utc_now
from aimass_jupyter.contract.system import Role, Token, TokenCreate, TokenRef
from aimass_server.access.policy import at_most
from aimass_server.access.principal import Call, Principal
from aimass_server.store import Store, tokens

PREFIX = "aimass_"


def hash_of(value: str) -> str:
    """What is kept of a secret. It holds 256 bits of its own, so one round is enough."""
    return hashlib.sha256(value.encode()).hexdigest()


class Tokens:
    """Makes, lists, revokes and recognises tokens."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    async def create(self, call: Call, request: TokenCreate) -> Token:
        """Make a token with at most the role of its maker."""
        role = at_most(request.role, call.principal)
        return await self.issue(call.principal, request.name, role, timedelta(days=request.days))

    async def issue(self, principal: Principal, name: str, role: Role, life: timedelta) -> Token:
        """Make a token for somebody, for this long."""
        value = PREFIX + secrets.token_urlsafe(32)
        now = self._clock()
        token = Token(
            id=new_id("tok"),
            name=name,
            user=principal.user,
            role=role,
            created_at=now,
            expires_at=now + life,
            value=value,
        )
        tenant, digest = principal.tenant, hash_of(value)
        await self._store.write(lambda c: tokens.insert(c, token, tenant, digest))
        return token

    async def list(self, call: Call, request: PageRequest) -> Page[Token]:
        """The tokens of who asks."""
        return await self._store.read(lambda c: tokens.page(c, call.user, call.tenant, request))

    async def revoke(self, call: Call, request: TokenRef) -> Done:
        """End a token of one's own."""
        gone = await self._store.write(
            lambda c: tokens.delete(c, call.user, call.tenant, request.token)
        )
        if not gone:
            raise NotFound(f"you have no token '{request.token}'", "see: tokens list")
        return Done(id=request.token)

    async def end(self, token: Token, tenant: str) -> None:
        """End a token that was issued for a program."""
        await self._store.write(lambda c: tokens.delete(c, token.user, tenant, token.id))

    async def recognise(self, value: str) -> Principal:
        """The principal that a token stands for.

        Raises
        ------
        Unauthenticated
            When it is unknown, revoked or expired; the three look alike from outside.
        """
        found = await self._store.read(lambda c: tokens.by_hash(c, hash_of(value)))
        if found is None or found[0].expires_at <= self._clock():
            raise Unauthenticated("this token is not valid", "make a new one: tokens create")
        token, tenant = found
        return Principal(token.user, token.role, tenant, token.name)
