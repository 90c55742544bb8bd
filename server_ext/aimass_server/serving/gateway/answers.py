"""Answers of the gateway, and refusals: answers that end a request early."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimass_jupyter.contract.errors import AimassError

JSON_TYPE = (b"content-type", b"application/json")
_ALWAYS = (JSON_TYPE, (b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))

RawHeaders = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int = 200
    body: bytes = b""
    headers: RawHeaders = ()

    @property
    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers, with those that every answer with a body has."""
        if self.status == 204:
            return list(self.headers)
        return [*_ALWAYS, *self.headers, (b"content-length", str(len(self.body)).encode())]


class Refused(Exception):
    """A request that is not taken; it reads as the protocol says: ``{"error": "…"}``."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    def answer(self) -> Answer:
        """This refusal as a response."""
        return error_answer(self.status, self.message, self.headers)


def json_answer(content: Any, status: int = 200) -> Answer:
    """A response with a JSON body."""
    return Answer(status, json.dumps(content, allow_nan=False).encode())


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A response that says what went wrong."""
    raw = tuple((name.encode(), value.encode()) for name, value in (headers or {}).items())
    return Answer(status, json.dumps({"error": message}).encode(), raw)


def answer_to(error: AimassError) -> Answer:
    """The response to an error of the platform's tree."""
    return error_answer(error.status, str(error), retry_header(error.retry_after))


def retry_header(seconds: float | None) -> dict[str, str]:
    """The header that says when to try again; none when nobody knows."""
    return {"retry-after": str(math.ceil(seconds))} if seconds else {}
