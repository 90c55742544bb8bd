"""A sign-in for benchmarks on the loopback interface: whoever names themselves in a header."""

from __future__ import annotations

from jupyter_server.auth import IdentityProvider, User
from tornado.web import RequestHandler

HEADER = "X-Person"


class People(IdentityProvider):
    """Identity by a header; nobody without one."""

    def get_user(self, handler: RequestHandler) -> User | None:
        known: User | None = getattr(handler, "_jupyter_current_user", None)
        if known is not None:
            return known
        name = handler.request.headers.get(HEADER)
        return User(name) if name else None

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        return True
