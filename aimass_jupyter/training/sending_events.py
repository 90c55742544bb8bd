"""Sends the bytes of an event file to the control plane, in order, each once, whatever breaks.

Bytes are numbered by their place in the file: what was sent and not answered is sent again, and the
control plane takes no byte twice. What cannot be sent just now waits in the writer's memory.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from aimass_jupyter.contract.errors import AimassError, Conflict, Forbidden, NotFound, TooLarge
from aimass_jupyter.contract.table import OPERATIONS

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

ALIVE_SECONDS = 5.0
TIMEOUT_SECONDS = 20.0
_AT_ONCE_BYTES = 4 << 20
_SAID_SECONDS = 10.0
_FOR_GOOD = (Conflict, Forbidden, NotFound, TooLarge)  # asking again would not help

logger = logging.getLogger("aimass.tracking")


class SentEvents:
    """Takes what an event writer writes, and sends it; says that the run lives when it is quiet.

    Attributes
    ----------
    refused
        Why the control plane takes no more of it; None as long as it does.
    """

    def __init__(self, client: Client, run_id: str, offset: int = 0) -> None:
        self._client = client
        self._run = run_id
        self._offset = offset
        self._sent_at = time.monotonic()
        self._silent_since: float | None = None
        self._said = False
        self.refused: AimassError | None = None

    def write(self, block: bytearray) -> int:
        """Send the beginning of a block; returns how much of it has arrived."""
        content = bytes(block[:_AT_ONCE_BYTES])
        self._send(content)
        self._offset += len(content)
        return len(content)

    def rest(self) -> None:
        """Say now and then that the run lives."""
        if time.monotonic() - self._sent_at >= ALIVE_SECONDS:
            self._send(b"")

    def close(self) -> None:
        """The client is the run's."""

    def _send(self, content: bytes) -> None:
        if self.refused is not None:
            return
        fields: dict[str, Any] = {"run": self._run, "offset": self._offset}
        try:
            self._client.send_bytes(
                OPERATIONS["runs.append"], fields, content, timeout=TIMEOUT_SECONDS
            )
        except _FOR_GOOD as error:
            self.refused = error
            logger.warning("no more is kept of run %s: %s", self._run, error)
        except AimassError as error:
            self._waits(error)
            raise OSError(str(error)) from error
        self._sent_at = time.monotonic()
        self._silent_since, self._said = None, False

    def _waits(self, error: AimassError) -> None:
        """Say once that points wait, when they have waited for a while."""
        self._silent_since = self._silent_since or time.monotonic()
        if not self._said and time.monotonic() - self._silent_since > _SAID_SECONDS:
            self._said = True
            logger.warning("what run %s logs waits in memory: %s", self._run, error)
