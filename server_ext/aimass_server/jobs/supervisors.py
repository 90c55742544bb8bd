"""Being woken in the moment a job's supervisor ends. It reads no folder and changes no state."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from aimass_jupyter.host import ProcessIdentity


class SupervisorWatch:
    """The supervisors that are waited for, each by a descriptor of its process.

    Parameters
    ----------
    wake
        Called when one of them has ended.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._descriptors: dict[str, int] = {}

    def __contains__(self, job_id: str) -> bool:
        """Whether a job's supervisor is waited for."""
        return job_id in self._descriptors

    def add(self, job_id: str, identity: ProcessIdentity | None) -> None:
        """Wait for a job's supervisor, once."""
        if job_id in self._descriptors or identity is None:
            return
        try:
            descriptor = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            self._wake()
            return
        self._descriptors[job_id] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._ended, job_id)

    def _ended(self, job_id: str) -> None:
        self.remove(job_id)
        self._wake()

    def remove(self, job_id: str) -> None:
        """Wait for it no longer."""
        descriptor = self._descriptors.pop(job_id, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Wait for none."""
        for job_id in list(self._descriptors):
            self.remove(job_id)
