"""What tests of clusters look at: nodes, and the log, the steps and the event files of a job."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job


def until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.2)
    return found


def ready(client: Client, cluster: str) -> None:
    until(lambda: all(node.state == "ready" for node in client.nodes.list(cluster).items))


def log_of(client: Client, job: Job, rank: int | None = None) -> str:
    return str(client.jobs.logs(job.id, rank=rank).text)


def steps_of(client: Client, job: Job) -> int:
    series = client.jobs.metrics(job.id).series
    return max((step for one in series for step in one.steps), default=0)


def event_steps(folder: Path) -> list[list[int]]:
    """The steps in each event file, in the order in which the files were begun."""
    files = sorted(folder.iterdir(), key=lambda path: path.name)
    events = [EventFileLoader(str(path)).Load() for path in files]
    return [[event.step for event in file if event.step] for file in events]
