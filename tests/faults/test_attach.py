"""Attach rebuilds all of a job: not one line of its log and not one point is lost or told twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server

pytestmark = [pytest.mark.slow, pytest.mark.faults]


@dataclass
class Told:
    """All that one follower was told."""

    points: dict[str, list[tuple[int, float | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    lines: list[str] = field(default_factory=list)

    def hear(self, update: JobUpdate) -> None:
        self.lines += update.log.splitlines()
        for series in update.series:
            self.points[series.tag] += zip(series.steps, series.values, strict=True)

    def of(self, label: str) -> list[str]:
        """The lines of one rank, or of the launcher, in their order."""
        return [line for line in self.lines if line.startswith(label)]


def test_a_kernel_and_a_server_that_died_cost_no_line_and_no_point(own_server: Server) -> None:
    before = Told()
    with own_server.client() as client:
        client.datasets.import_("digits")
        job: Job = client.jobs.submit(
            dataset="digits", algorithm="classification", params={"epochs": 30}, np=2,
            engine="torchrun",
        )  # fmt: skip
        for update in client.updates(job.id):  # the follower that sees the server die
            before.hear(update)
            if len(before.points["loss/train"]) > 2 and own_server.process is not None:
                own_server.kill()
                own_server.start()
                own_server.process, kept = None, own_server.process
        own_server.process = kept
        assert update.job.state == "succeeded", update.job.cause

    after = Told()
    with own_server.client() as client:  # a new kernel, that knows the job's name alone
        client.wait("digits", after.hear)
        assert after.points == before.points
        for tag, points in after.points.items():
            steps = [step for step, _ in points]
            assert steps == sorted(set(steps)), tag
        whole = {label: _whole_log(client, job, rank) for label, rank in _LABELS.items()}
    for told in (before, after):
        for label, lines in whole.items():
            assert [line.removeprefix(f"{label} ") for line in told.of(label)] == lines
    assert whole["[0]"]


_LABELS = {"[0]": 0, "[1]": 1, "[launcher]": -1}


def _whole_log(client: Client, job: Job, rank: int) -> list[str]:
    return list(client.jobs.logs(job.id, rank=rank, limit_bytes=4_000_000).text.splitlines())
