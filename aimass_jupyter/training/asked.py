"""Whether a checkpoint was asked for: by who wants the job's slots, or because its time is up.

It reads the request (``stop.json`` in the job's folder) and never ends anything.
"""

from __future__ import annotations

import time
from pathlib import Path

_LOOK_SECONDS = 0.1


class Asked:
    """Answers yes once, soon after a request was made; cheap enough to ask after every step."""

    def __init__(self, folder: Path) -> None:
        self._request = folder / "stop.json"
        self._look_at = 0.0
        self._answered = False

    def __call__(self) -> bool:
        """Whether there is a request that was not answered yet."""
        now = time.monotonic()
        if self._answered or now < self._look_at:
            return False
        self._look_at = now + _LOOK_SECONDS
        self._answered = self._request.exists()
        return self._answered
