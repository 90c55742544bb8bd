"""Estimates: when ``aimass why`` says that a job starts, beside when it did.

::

    python benchmarks/estimates.py [--jobs 200] [--record tests/jobs/recorded_mix.jsonl]

Three people submit a mix of jobs to a real control plane of four slots, on which forty such jobs
have run before: one at a time, and sweeps of up to sixteen; trainings on one to three ranks, own
code, evaluations, imports and exports, in three priorities. Each job is asked about as soon as it
is submitted, and all that wait are asked about again every ten seconds. The error of an answer is
its distance from the true start over the true wait; jobs that waited for less than a second are
left out. The limit is the peer.

``--record`` writes down what happened, for the test that lets the scheduler live through it again.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from figures import Comparison, publish
from people import HEADER
from submit import is_warm, until

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address, owner
from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.table import API_ROOT

PERSONS = ("ada", "grace", "emmy")
SLOTS = 4
EARLIER = 40  # jobs that have run before, as on any machine that is in use
SWEEPS = (1, 1, 2, 4, 8, 16)  # jobs that a person submits at once
BETWEEN_SECONDS = 8.0  # two of those, in the mean
AGAIN_SECONDS = 10.0
LEAST_WAIT_SECONDS = 1.0
LIMIT = 0.25
SLEEPS = b"import sys, time\ntime.sleep(float(sys.argv[1]))\n"
#: What the record holds of a job: all that the queue looks at, and nothing else.
RECORDED = (
    "id", "name", "kind", "owner", "tenant", "state", "engine", "np", "seed", "dataset",
    "algorithm", "options", "attended", "attempts", "created_at", "started_at", "ended_at",
    "peak_memory_bytes",
)  # fmt: skip

#: An answer: the job, when it was asked about (seconds since the epoch), and in how many seconds
#: it was said to start.
Answer = tuple[str, float, float]
Submit = Callable[[Client, str, str], Job]  # with whose it is, and its priority


def main() -> None:
    """Run the mix, publish the errors, and record what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
        folder = Path(name) / "data"
        try:
            with opened(folder) as clients:
                first, later = asked_of_all(clients, options.jobs, random.Random(options.seed))
                jobs = ended_jobs(clients[0])
        finally:
            stop_programs(folder)
    publish("estimates", [compared("at once", first, jobs), compared("later", later, jobs)])
    if options.record:
        record(options.record, [*first, *later], jobs)


@contextmanager
def opened(folder: Path) -> Iterator[list[Client]]:
    """A control plane, and the client of each person."""
    folder.mkdir(mode=0o700)
    options = [f"--AimassApp.data={folder}", f"--AimassApp.slots={SLOTS}"]
    sign_in = "--ServerApp.identity_provider_class=people.People"
    with folder.with_name("control-plane.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aimass_server", *options, sign_in],
            stdout=log, stderr=log, cwd=Path(__file__).parent,
        )  # fmt: skip
    try:
        found = until(lambda: owner(folder))
        with ExitStack() as clients:
            tokens = [token_of(found.url, person) for person in PERSONS]
            opened = [clients.enter_context(Client(Address(found.url, token))) for token in tokens]
            until(lambda: is_warm(opened[0]))
            yield opened
    finally:
        process.terminate()
        process.wait()


def token_of(url: str, person: str) -> str:
    """A person signs in and makes a token."""
    answer = httpx.post(
        f"{url}{API_ROOT}/tokens", headers={HEADER: person}, json={"name": "mix", "role": "admin"}
    )
    return str(answer.raise_for_status().json()["value"])


def asked_of_all(
    clients: list[Client], count: int, draw: random.Random
) -> tuple[list[Answer], list[Answer]]:
    """Submit all and wait until they have ended; the first answers, and the later ones.

    Before them some run that nobody asks about: estimates come from earlier jobs.
    """
    for name in ("iris", "digits"):
        clients[0].datasets.import_(name)
    earlier = [submitted(clients, 1, draw)[0] for _ in range(EARLIER)]
    for job in earlier:
        clients[0].wait(job.id)
    first: list[Answer] = []
    later: list[Answer] = []
    done = threading.Event()
    asking = threading.Thread(target=ask_again, args=(clients[0], later, done))
    asking.start()
    try:
        jobs: list[Job] = []
        while len(jobs) < count:
            sweep = submitted(clients, min(draw.choice(SWEEPS), count - len(jobs)), draw)
            first += [answer for job in sweep for answer in ask(clients[0], job)]
            jobs += sweep
            print(f"{len(jobs)}/{count} {jobs[-1].name}", file=sys.stderr)
            time.sleep(draw.expovariate(1 / BETWEEN_SECONDS))
        for job in jobs:
            clients[0].wait(job.id)
    finally:
        done.set()
        asking.join()
    return first, later


def submitted(clients: list[Client], size: int, draw: random.Random) -> list[Job]:
    """A person submits so many jobs of a kind, each with a length of its own."""
    whose = draw.choice(PERSONS)
    priority = draw.choice(("low", *["normal"] * 4, "high"))
    kinds, weights = (
        (small, wide, gang, script, judged, imported, exported),
        (30, 15, 10, 25, 8, 8, 4),
    )
    kind = draw.choices(kinds, weights)[0]
    client = clients[PERSONS.index(whose)]
    return [kind(draw)(client, whose, priority) for _ in range(size)]


def ask_again(client: Client, answers: list[Answer], done: threading.Event) -> None:
    """Ask about all that wait, every now and then."""
    while not done.wait(AGAIN_SECONDS):
        for job in client.jobs.list(state="queued", limit=200).items:
            answers += ask(client, job)


def ask(client: Client, job: Job) -> list[Answer]:
    """When a job should start; nothing if it has, or if that cannot be told."""
    asked = time.time()
    starts = client.jobs.why(job.id).starts_in_seconds
    return [] if starts is None else [(job.id, asked, starts)]


def small(draw: random.Random) -> Submit:
    """A training on one rank."""
    epochs = draw.choice((5, 20, 100))
    return lambda client, whose, priority: client.jobs.submit(
        dataset="iris", algorithm="classification", name=f"{whose}-blossoms",
        params={"epochs": epochs}, priority=priority,
    )  # fmt: skip


def wide(draw: random.Random) -> Submit:
    """A training on two ranks with Horovod."""
    epochs = draw.choice((2, 6, 15))
    return lambda client, whose, priority: client.jobs.submit(
        dataset="digits", algorithm="classification", name=f"{whose}-digits",
        np=2, engine="horovod", params={"epochs": epochs}, priority=priority,
    )  # fmt: skip


def gang(draw: random.Random) -> Submit:
    """A training on three ranks with torchrun."""
    epochs = draw.choice((2, 5))
    return lambda client, whose, priority: client.jobs.submit(
        dataset="digits", algorithm="classification", name=f"{whose}-gang",
        np=3, engine="torchrun", params={"epochs": epochs}, priority=priority,
    )  # fmt: skip


def script(draw: random.Random) -> Submit:
    """Own code that waits for others most of its time."""
    seconds = draw.choice((2, 5, 12))

    def submit(client: Client, whose: str, priority: str) -> Job:
        source = client.upload_content(f"crawl_{seconds}.py", SLEEPS)
        return client.jobs.submit(
            source=source, arguments=[str(seconds)], name=f"crawl-{seconds}",
            priority=priority,
        )  # fmt: skip

    return submit


def judged(draw: random.Random) -> Submit:
    """An evaluation, once there is a model."""

    def submit(client: Client, whose: str, priority: str) -> Job:
        if not client.models.list(limit=1).items:
            return small(draw)(client, whose, priority)
        model = client.models.list(limit=1).items[0].name
        dataset = "iris" if model.endswith("blossoms") else "digits"
        return client.jobs.evaluate(model=model, dataset=dataset, priority=priority)

    return submit


def imported(draw: random.Random) -> Submit:
    """A file of a few thousand rows becomes a dataset."""
    rows = draw.choice((1_000, 20_000))
    lines = (f"{draw.random():.6f},{draw.random():.6f},{draw.choice('ab')}" for _ in range(rows))
    content = "\n".join(["x,y,label", *lines]).encode()

    def submit(client: Client, whose: str, priority: str) -> Job:
        name = f"{whose}-rows-{rows}"
        upload = client.upload_content(f"{name}.csv", content)
        return client.jobs.import_(source=upload, name=name, priority=priority)

    return submit


def exported(_: random.Random) -> Submit:
    """A dataset becomes a file."""
    return lambda client, _, priority: client.jobs.export(dataset="digits", priority=priority)


def ended_jobs(client: Client) -> list[Job]:
    """All jobs, the oldest first."""
    found, token = [], None
    while True:
        page = client.jobs.list(limit=100, **({"next_token": token} if token else {}))
        found += page.items
        token = page.next_token
        if not token:
            return found[::-1]


def begun_at(job: Job) -> float | None:
    """When it first ran, in seconds since the epoch."""
    times = [attempt.started_at for attempt in job.attempts] + [job.started_at]
    return times[0].timestamp() if times[0] else None


def errors(answers: list[Answer], jobs: list[Job]) -> list[float]:
    """The error of each answer, as a share of the true wait."""
    began = {job.id: at for job in jobs if (at := begun_at(job)) is not None}
    told = [(began[id_] - asked, starts) for id_, asked, starts in answers if id_ in began]
    return [abs(starts - wait) / wait for wait, starts in told if wait >= LEAST_WAIT_SECONDS]


def compared(when: str, answers: list[Answer], jobs: list[Job]) -> Comparison:
    """The median error beside its limit."""
    found = errors(answers, jobs)
    note = f"{len(found)} answers of {len({id_ for id_, _, _ in answers})} jobs that waited"
    return Comparison(f"limit, asked {when}", "", found, [LIMIT], "of the wait", 1.0, note=note)


def record(path: Path, answers: list[Answer], jobs: list[Job]) -> None:
    """Write down jobs and answers, a line each."""
    lines = [{"slots": SLOTS, "recorded": datetime.now(UTC).isoformat(timespec="seconds")}]
    for job in jobs:
        kept: dict[str, Any] = job.model_dump(mode="json", include=set(RECORDED))
        kept["options"] = job.options.model_dump(mode="json", exclude_defaults=True)
        kept["params"] = {k: v for k, v in job.params.items() if k == "epochs"}
        lines.append({"job": kept})
    lines += [{"asked": [id_, asked, starts]} for id_, asked, starts in answers]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
