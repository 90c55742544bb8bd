"""Following a job through restarts of the control plane: updates until its end, or a failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_jupyter.contract.errors import AimassError, Busy, Expired, Unavailable
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.widgets.curves import MAX_POINTS

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

POLL_SECONDS = 10.0
PAUSE_SECONDS = 0.08  # so that a panel is told at most so often
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 8.0

PASSING = (Unavailable, Busy, Expired)


def follow(
    client: Client, job: str, cursor: str, stopped: threading.Event
) -> Iterator[JobUpdate | AimassError]:
    """Yield what is new of a job since ``cursor`` until its end, or until ``stopped`` is set.

    An error that may pass is yielded, and the same question asked again after a while, longer
    each time; so nothing that the server knew is missed, however often it was away.

    Raises
    ------
    AimassError
        One that does not pass: the job is gone, or it may not be seen.
    """
    delay = FIRST_DELAY_SECONDS
    while not stopped.is_set():
        try:
            update = client.jobs.attach(
                job=job, cursor=cursor, wait_seconds=POLL_SECONDS, max_points=MAX_POINTS
            )
        except PASSING as error:
            yield error
            stopped.wait(max(delay, error.retry_after or 0.0))
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)
            continue
        yield update
        if update.end:
            return
        cursor, delay = update.cursor, FIRST_DELAY_SECONDS
        stopped.wait(PAUSE_SECONDS)
