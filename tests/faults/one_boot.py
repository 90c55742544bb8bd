"""What a machine does from boot to crash: ``python -m tests.faults.one_boot before|after FOLDER``.

It runs as the first process of a PID namespace, so that all the others die with it. Its answers are
lines of JSON.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from aimass_jupyter.client import Client
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server


def before(client: Client) -> dict[str, object]:
    """Have two jobs train and a third one wait; of the two, one may be tried again."""
    client.datasets.import_("digits")

    def submit(name: str, epochs: int, **more: object) -> str:
        job: Job = client.jobs.submit(
            dataset="digits",
            algorithm="classification",
            engine="single",
            name=name,
            params={"epochs": epochs},
            **more,
        )
        return job.id

    running = [
        submit("once", 2000),
        submit("again", 80, retries=1, checkpoint_steps=5),
    ]
    submit("waiting", 1, np=1)
    for job in running:
        next(update for update in client.updates(job) if _steps(update) >= 5)
    return {}


def _steps(update: JobUpdate) -> int:
    return max((step for series in update.series for step in series.steps), default=0)


def after(client: Client) -> dict[str, object]:
    """What became of them: state, cause, causes of earlier runs, steps of the curve, log."""
    return {job.name: _told(client, job) for job in client.jobs.list(kind="training").items}


def _told(client: Client, job: Job) -> dict[str, object]:
    ended = client.wait(job.id)
    assert ended.cause
    curves = client.jobs.metrics(job=job.id)
    return {
        "state": ended.state,
        "cause": ended.cause.message,
        "before": [attempt.cause.code for attempt in ended.attempts],
        "steps": [
            step for curve in curves.series if curve.tag == "loss/train" for step in curve.steps
        ],
        "log": client.jobs.logs(job=job.id).text,
    }


def main() -> None:
    phase, folder = sys.argv[1:]
    server = Server(Path(folder))
    server.start()
    with server.client() as client:
        print(json.dumps({"before": before, "after": after}[phase](client)), flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
