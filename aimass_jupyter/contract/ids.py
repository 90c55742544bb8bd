"""Ids (a prefix and a ULID) and the one clock. Both can be replaced in tests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_LENGTH = 26

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def ulid(milliseconds: int | None = None, entropy: bytes | None = None) -> str:
    """Return a ULID (github.com/ulid/spec): 48 bits of time, 80 bits of randomness, base 32."""
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    value = (stamp << 80) | int.from_bytes(entropy or os.urandom(10))
    digits = [_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return "".join(digits)


def new_id(prefix: str) -> str:
    """Return a new id such as ``job_01J…``."""
    return f"{prefix}_{ulid()}"


def is_id(value: str, prefix: str) -> bool:
    """Whether ``value`` has the form of an id with this prefix."""
    head, _, tail = value.partition("_")
    return head == prefix and len(tail) == ULID_LENGTH and all(c in _CROCKFORD for c in tail)
