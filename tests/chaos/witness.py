"""The witness: gathers, when a storm is over, what is there of each submission.

It reads through the API, from the marks of the jobs, and from the table of processes.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass_jupyter.client import Client
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.host import marked_processes
from tests.chaos.invariants import Found
from tests.chaos.ledger import Entry

GONE_SECONDS = 15.0


class Witness:
    """Looks once, at everything."""

    def __init__(self, client: Client, marks: Path) -> None:
        self._client = client
        self._marks = marks
        self._jobs: dict[str, list[Job]] = defaultdict(list)
        self._topics: dict[str, list[str]] = defaultdict(list)

    def look(self) -> None:
        """Read all jobs and all events."""
        for job in _pages(self._client.jobs.list):
            self._jobs[job.name].append(job)
        for event in self._events():
            self._topics[event.subject].append(event.topic)

    def found(self, entry: Entry) -> Found:
        """What is there of one submission."""
        jobs = self._jobs[entry.name]
        return Found(
            jobs=jobs,
            starts=sum(self._starts(job) for job in jobs),
            log=[line for job in jobs for line in self._log(job)],
            topics=[topic for job in jobs for topic in self._topics[job.id]],
            left=sum(_left(job) for job in jobs),
        )

    def _starts(self, job: Job) -> int:
        mark = self._marks / job.id
        return len(mark.read_text().splitlines()) if mark.exists() else 0

    def _log(self, job: Job) -> list[str]:
        text, cursor = "", ""
        while True:
            chunk = self._client.jobs.logs(job.id, rank=0, cursor=cursor)
            text += chunk.text
            if chunk.cursor == cursor or chunk.end:
                return text.splitlines()
            cursor = chunk.cursor

    def _events(self) -> Iterator[Any]:
        after = 0
        while items := self._client.events.list(after=after, limit=1000).items:
            yield from items
            after = items[-1].sequence


def _pages(ask: Any) -> Iterator[Any]:
    token = None
    while True:
        page = ask(limit=200, **({"next_token": token} if token else {}))
        yield from page.items
        if (token := page.next_token) is None:
            return


def _left(job: Job) -> int:
    """Processes with its marker, after the time that a stop may take."""
    deadline = time.monotonic() + GONE_SECONDS
    while left := len(list(marked_processes("AIMASS_JOB_ID", job.id))):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return left
