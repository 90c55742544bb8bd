"""The head of a request: what of it matters here, and what is wrong with it before any body."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aimass_server.serving.gateway.answers import Answer, Refused

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
MAX_KEY_BYTES = 512

_ONCE = frozenset({b"host", b"authorization", b"x-api-key", b"content-length"})
_SECRET_NAME = re.compile(
    r"(^|[-_.])(apikey|key|token|secret|password|passwd|auth|authorization|bearer)$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"(aimk|aimass)_[\w-]{20}")


@dataclass(frozen=True)
class Head:
    """Method, path, query and headers of one request."""

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]

    @classmethod
    def of(cls, scope: dict[str, Any]) -> Head:
        """Read an ASGI scope.

        Raises
        ------
        Refused
            400 when a header is there twice that two readers could take differently.
        """
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in headers and name in _ONCE:
                raise Refused(400, f"the header '{name.decode()}' was sent more than once")
            headers[name] = value
        return cls(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)

    @property
    def segments(self) -> list[str]:
        """The parts of the path."""
        return self.path.split("/")[1:]

    @property
    def host(self) -> str:
        """The name the client called, without the port, in lower case."""
        name = self.headers.get(b"host", b"").decode("latin-1").lower()
        return re.sub(r":\d*$", "", name)

    @property
    def announced_bytes(self) -> int:
        """The length of the body, where it was announced."""
        return int(self.headers.get(b"content-length", b"0"))

    def check_host(self, names: Collection[str]) -> None:
        """Refuse a name that is not ours: a page elsewhere may have pointed its name at us."""
        if self.host not in names:
            raise Refused(
                403,
                f"this gateway does not answer to the host '{self.host[:100]}'; "
                "call it as localhost, or have the name added to its settings",
            )

    def check_url(self) -> None:
        """Refuse a URL that carries a secret: URLs end up in logs and histories."""
        named = any(_SECRET_NAME.search(name) for name, _ in parse_qsl(self.query, True))
        if named or _SECRET_VALUE.search(self.query + self.path):
            raise Refused(
                400,
                "a key does not belong in a URL: send it in the header 'Authorization: Bearer …' "
                "or 'X-API-Key', and replace this one, for logs may hold it now",
            )

    def check_method(self, *allowed: str) -> Answer | None:
        """Refuse another method; ``OPTIONS`` is answered here."""
        if "GET" in allowed:
            allowed = (*allowed, "HEAD")
        allow = ", ".join((*allowed, "OPTIONS"))
        if self.method == "OPTIONS":
            return Answer(204, headers=((b"allow", allow.encode()),))
        if self.method not in allowed:
            raise Refused(405, f"{self.method} is not a method here; use {allow}", {"allow": allow})
        return None

    def key(self) -> bytes:
        """The API key.

        Raises
        ------
        Refused
            401 when there is none, or two that differ.
        """
        scheme, _, bearer = self.headers.get(b"authorization", b"").partition(b" ")
        found = {bearer.strip()} if scheme.lower() == b"bearer" else set()
        found |= {self.headers[b"x-api-key"].strip()} if b"x-api-key" in self.headers else set()
        if len(found) != 1 or not (key := found.pop()) or len(key) > MAX_KEY_BYTES:
            raise unauthenticated()
        return key


def unauthenticated() -> Refused:
    """The one refusal for no key, a wrong key and a revoked key: they look alike from outside."""
    return Refused(
        401,
        "an API key that is valid is needed: send 'Authorization: Bearer KEY' or 'X-API-Key: KEY' "
        "(a new one: aimass endpoints key NAME)",
        {"www-authenticate": 'Bearer realm="aimass"'},
    )
