"""The error tree. A face renders an error once; over HTTP it is problem+json (RFC 9457).

::

    AimassError
    ├── InvalidRequest      422   the request is wrong: names the field, the value, the cure
    ├── Failed              422   the work that was asked for failed: a notebook's cell, a replica
    ├── Unauthenticated     401
    ├── Forbidden           403
    ├── NotFound            404
    ├── Conflict            409   it exists already, or its state does not allow this
    ├── TooLarge            413
    ├── Busy                429   try again later (``retry_after``)
    ├── Unavailable         503   no server, or it cannot serve now (``retry_after``)
    ├── Expired             504   a deadline passed
    ├── InsufficientStorage 507   the disk is full
    └── Internal            500   a fault of the program itself; its log has the reason
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar

#: More names than these are not listed in a hint.
MOST_NAMES = 12


class AimassError(Exception):
    """A failure that a person can read.

    Parameters
    ----------
    message
        What is wrong, naming the thing, the value and the limit.
    hint
        How to mend it.
    details
        One entry a field or check, for faces that can show more than a line.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        details: list[dict[str, Any]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details or []
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines instead of a traceback: one for the fault, one for the cure."""
        lines = [f"{type(self).__name__}: {self.message}"]
        return [*lines, f"  → {self.hint}"] if self.hint else lines

    def problem(self) -> dict[str, Any]:
        """This error as a problem+json object."""
        body: dict[str, Any] = {
            "type": f"urn:aimass:error:{self.code}",
            "title": type(self).__name__,
            "status": self.status,
            "code": self.code,
            "detail": self.message,
        }
        optional = {"hint": self.hint, "errors": self.details, "retry_after": self.retry_after}
        return body | {key: value for key, value in optional.items() if value}


class InvalidRequest(AimassError):
    """The request is wrong in form or in what it names."""

    status = 422
    code = "invalid"


class Unauthenticated(AimassError):
    """No credentials, or credentials that do not hold."""

    status = 401
    code = "unauthenticated"


class Forbidden(AimassError):
    """Known, but not allowed."""

    status = 403
    code = "forbidden"


class NotFound(AimassError):
    """No such thing, or none that the asker may see."""

    status = 404
    code = "not-found"


class Conflict(AimassError):
    """It exists already, or its state does not allow this."""

    status = 409
    code = "conflict"


class TooLarge(AimassError):
    """More bytes, rows or items than are taken."""

    status = 413
    code = "too-large"


class Busy(AimassError):
    """Over a limit now; ``retry_after`` seconds later it may work."""

    status = 429
    code = "busy"


class Unavailable(AimassError):
    """Nothing answers, or it cannot serve now."""

    status = 503
    code = "unavailable"


class Expired(AimassError):
    """A deadline passed."""

    status = 504
    code = "expired"


class InsufficientStorage(AimassError):
    """The disk is full; nothing was half-written."""

    status = 507
    code = "insufficient-storage"


class Failed(AimassError):
    """The work that was asked for failed while it was done."""

    status = 422
    code = "failed"


class Internal(AimassError):
    """A fault of the program itself."""

    status = 500
    code = "internal"


_BY_CODE: dict[str, type[AimassError]] = {
    kind.code: kind
    for kind in (
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        Busy,
        Unavailable,
        Expired,
        InsufficientStorage,
        Failed,
        Internal,
    )
}


def from_problem(body: dict[str, Any]) -> AimassError:
    """Rebuild the error that a problem+json object stands for."""
    kind = _BY_CODE.get(str(body.get("code")), Internal)
    return kind(
        str(body.get("detail", "the server gave no reason")),
        str(body.get("hint", "")),
        details=list(body.get("errors", [])),
        retry_after=body.get("retry_after"),
    )


def did_you_mean(value: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that names the nearest known word, or ``otherwise``, or what is known."""
    names = sorted(set(known))
    near = difflib.get_close_matches(value, names, n=1, cutoff=0.6)
    near = near or [name for name in names if value and _initials(name) == value]
    if near:
        return f"did you mean {' or '.join(repr(name) for name in near)}?"
    rest = ", …" if len(names) > MOST_NAMES else ""
    return otherwise or (f"known: {', '.join(names[:MOST_NAMES])}{rest}" if names else "")


def _initials(name: str) -> str:
    """A name of several words as people shorten it: ``lr`` for ``learning-rate``."""
    words = name.replace("_", "-").split("-")
    return "".join(word[:1] for word in words) if len(words) > 1 else ""
