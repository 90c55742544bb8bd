"""Ids (a prefix and a ULID), the one clock, and names made of what a thing is called."""

from __future__ import annotations

import os
import re
import time
import unicodedata
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


def plain_name(text: str) -> str:
    """A text as a name: accents are left out, what else a name may not hold becomes a dash.

    Empty when nothing of it is left; at most 64 characters.
    """
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    bare = "".join(sign for sign in letters if not unicodedata.combining(sign))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip("-._")[:64]
