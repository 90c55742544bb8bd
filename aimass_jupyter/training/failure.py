"""Failures: how a rank says why it ends, so that a job has one cause however many ranks fail.

Imports nothing heavy: it must work when everything else does not.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from aimass_jupyter.contract.errors import AimassError, Failed
from aimass_jupyter.host import waiting, write_record


class Disconnected(Failed):
    """Another rank is gone. It is never the cause of a job's end, only what the rest see of it."""


class NotANumber(Failed):
    """The loss is NaN or infinite, and training was to stop at that."""

    cause = "not-a-number"


@contextmanager
def together(name: str = "") -> Iterator[None]:
    """Raise what fails inside a collective call as :class:`Disconnected`.

    ``name`` says what is done together, for whoever looks why nothing goes on.
    """
    try:
        with waiting(name):
            yield
    except RuntimeError as error:  # Horovod's and torch's errors of communication are ones
        reason = (str(error).splitlines() or [""])[0]
        raise Disconnected(f"the connection to the other ranks broke: {reason}") from error


def fail(
    folder: Path,
    rank: int,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> NoReturn:
    """Say why this rank fails (to its log and to a record), and end it.

    What we found wrong ourselves is said in its words; only a fault that nobody foresaw needs the
    traceback.
    """
    if isinstance(error, AimassError):
        print(error, file=sys.stderr)
    else:
        traceback.print_exception(kind, error, trace)
    record_failure(folder, rank, error)
    sys.stdout.flush()
    sys.stderr.flush()
    # Without teardown: an engine's waits for the other ranks, and they wait for this one.
    os._exit(1)


def record_failure(folder: Path, rank: int, error: BaseException) -> None:
    """Leave the record by which the supervisor tells the cause."""
    record = {
        "rank": rank,
        "type": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "cause": getattr(error, "cause", None),
        "foreseen": isinstance(error, AimassError),
        "disconnected": isinstance(error, Disconnected),
        "host": socket.gethostname(),
        "time": time.time(),
    }
    try:
        write_record(folder / f"failure-rank-{rank}.json", record)
    except OSError as full:
        print(f"the failure could not be recorded: {full}", file=sys.stderr)
