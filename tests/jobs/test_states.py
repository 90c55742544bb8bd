"""The states of jobs, under any order of events and a crash at any commit.

A real control plane (store, scheduler, runner, the operations behind its public door) over a real
folder. What stands beside it is what really stands beside it: supervisors that hold their lock and
write their records, or die. A crash drops every object that was in memory, before a commit or
between a commit and its answer.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.jobs import FINAL_STATES, Job
from aimass_jupyter.contract.table import OPERATIONS
from aimass_jupyter.host import FileLock, identify, read_record, write_record
from aimass_server import control_plane
from aimass_server.access import Principal
from aimass_server.control_plane import ControlPlane
from aimass_server.settings import Settings
from aimass_server.store import Store

SLOTS = 2
MOST_JOBS = 6
ADA = Principal("ada", "admin")
GRACE = Principal("grace", "admin")  # it is she who stops them
FUSES = st.none() | st.integers(0, 12)


class Crashed(BaseException):
    """The control plane was killed here."""


class Fuse:
    """Burns by one at every point where a crash would show; at zero it crashes."""

    left: ClassVar[int | None] = None

    @classmethod
    def burn(cls) -> None:
        if cls.left is None:
            return
        if cls.left == 0:
            raise Crashed
        cls.left -= 1


class MortalStore(Store):
    """The store; a crash may come before a commit, and between it and its answer."""

    async def write(self, work: Any) -> Any:
        Fuse.burn()
        done = await super().write(work)
        Fuse.burn()
        return done


class Forks:
    """In the place of the warm launcher: notes the folders for which it forked a supervisor."""

    made: ClassVar[list[Path]] = []

    def __init__(self, *_: object) -> None:
        self.state = "off"

    def prepare(self, engine: str, np: int) -> None:
        """Forks are made when they are asked for, none ahead."""

    async def start(self, folder: Path) -> bool:
        Fuse.burn()
        self.made.append(folder)
        Fuse.burn()
        return True


@dataclass
class Supervisor:
    """One that has taken its folder, with a process to be known by."""

    folder: Path
    lock: FileLock
    process: subprocess.Popen[bytes]
    begun_at: str = field(default_factory=lambda: utc_now().isoformat())

    def announce(self) -> None:
        identity = identify(self.process.pid)
        assert identity is not None
        record = {"identity": identity.as_record(), "started_at": self.begun_at, "start": "warm"}
        write_record(self.folder / "started.json", record)

    def end(self, code: str) -> None:
        """All its work has ended: say how, let go of the lock."""
        asked = (read_record(self.folder / "stop.json") or {}) if code == "stopped" else {}
        message = f"stopped by {asked.get('by')}" if asked else code
        cause = {"code": code, "message": message, "rank": None, "last_lines": []}
        times = {"started_at": self.begun_at, "ended_at": utc_now().isoformat()}
        write_record(self.folder / "exit.json", {"code": 0, "cause": cause, **times})
        self.die()

    def die(self) -> None:
        self.process.kill()
        self.process.wait()
        self.lock.release()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the code of a job in it."""
    folder: Path = tmp_path_factory.mktemp("states") / "data"

    async def make() -> str:
        plane = ControlPlane(Settings(folder, SLOTS, 1 << 20))
        plane.own()
        create = OPERATIONS["uploads.create"]
        request = create.request(filename="work.py")
        upload = await plane.operations.call(ADA, create, request, body=_bytes())
        await asyncio.to_thread(plane._store.close)
        plane.data_folder.disown()
        return str(upload.id)

    upload = asyncio.run(make())
    (folder / "upload").write_text(upload)
    return folder


async def _bytes() -> AsyncIterator[bytes]:
    yield b"print('work')\n"


class States(RuleBasedStateMachine):
    """What people ask, what supervisors do, and crashes, in any order."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="states-")) / "data"
        shutil.copytree(self.template, self.folder)
        self.upload = (self.folder / "upload").read_text()
        self.loop = asyncio.new_event_loop()
        self.acknowledged: dict[str, str] = {}  # key → job
        self.stopped: set[str] = set()
        self.stops_answered: set[str] = set()
        self.sent = 0
        self.begun: Counter[str] = Counter()
        self.died: set[str] = set()
        self.final: dict[str, Job] = {}
        self.supervisors: list[Supervisor] = []
        Forks.made = []
        self.begin()

    # --- the control plane -----------------------------------------------------------------

    def begin(self) -> None:
        Fuse.left = None
        self.plane = ControlPlane(Settings(self.folder, SLOTS, 1 << 20))
        self.plane.own()
        (self.folder / "jobs").mkdir(exist_ok=True)  # as the runner's own round does
        self.plane._engines = self.loop.create_task(_only_single())

    def crash(self) -> None:
        """Nothing that was in memory is there any more; what was committed is."""
        self.loop.run_until_complete(self.plane._runner.close())
        self.plane._store.close()
        self.plane.data_folder.disown()

    def live(self, doing: Coroutine[Any, Any, Any], fuse: int | None) -> Any:
        """Do something, with a crash at one point of it; None when there was one."""
        Fuse.left = fuse
        try:
            return self.loop.run_until_complete(doing)
        except Crashed:
            self.crash()
            self.begin()
            return None
        finally:
            Fuse.left = None

    def call(self, name: str, key: str | None = None, /, **arguments: Any) -> Any:
        operation = OPERATIONS[name]
        return self.plane.operations.call(ADA, operation, operation.request(**arguments), key)

    async def one_pass(self) -> bool:
        runner = self.plane._runner
        runner.wake()
        try:
            await runner._pass()
        finally:
            outcomes = await asyncio.gather(*runner._starts._waiting, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return True

    # --- what people ask -------------------------------------------------------------------

    @precondition(lambda self: self.sent < MOST_JOBS)
    @rule(fuse=FUSES)
    def submit(self, fuse: int | None) -> None:
        self.sent += 1
        self.send(f"key-{self.sent}", fuse)

    @precondition(lambda self: self.sent)
    @rule(number=st.integers(1, MOST_JOBS), fuse=FUSES)
    def submit_again(self, number: int, fuse: int | None) -> None:
        self.send(f"key-{min(number, self.sent)}", fuse)

    def send(self, key: str, fuse: int | None) -> None:
        job = self.live(self.call("jobs.submit", key, source=self.upload, name=key), fuse)
        if job is not None:
            assert self.acknowledged.setdefault(key, job.id) == job.id

    @precondition(lambda self: self.acknowledged)
    @rule(number=st.integers(0, MOST_JOBS), fuse=FUSES)
    def stop(self, number: int, fuse: int | None) -> None:
        ids = list(self.acknowledged.values())
        id_ = ids[number % len(ids)]
        self.stopped.add(id_)  # it may have been done, whether or not there was an answer
        stop = OPERATIONS["jobs.stop"]
        asked = self.plane.operations.call(GRACE, stop, stop.request(job=id_), None)
        if self.live(asked, fuse) is not None:
            self.stops_answered.add(id_)

    @rule()
    def crash_between(self) -> None:
        self.crash()
        self.begin()

    @rule(fuse=FUSES)
    def look(self, fuse: int | None) -> None:
        self.live(self.one_pass(), fuse)

    @rule()
    def start_is_cut_off(self) -> None:
        """A crash right after a fork: the job is started again, and both forks may come."""
        self.live(self.one_pass(), None)
        self.crash_between()
        for _ in range(2):
            self.live(self.one_pass(), None)

    # --- what supervisors do ---------------------------------------------------------------

    @precondition(lambda self: Forks.made)
    @rule(number=st.integers(0, 3))
    def take(self, number: int) -> None:
        """One that was forked comes to its folder, as it does: the lock decides."""
        folder = Forks.made.pop(number % len(Forks.made))
        lock = FileLock(folder / "lock")
        if not lock.acquire():
            return
        if (folder / "started.json").exists() or (folder / "exit.json").exists():
            lock.release()
            return
        process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        supervisor = Supervisor(folder, lock, process)
        supervisor.announce()
        if (folder / "stop.json").exists():
            supervisor.end("stopped")
            return
        self.begun[folder.name] += 1
        self.supervisors.append(supervisor)

    @precondition(lambda self: self.supervisors)
    @rule(number=st.integers(0, 3), code=st.sampled_from(("finished", "error")))
    def end(self, number: int, code: str) -> None:
        """Its work ends; if it heard in time, it stops it."""
        supervisor = self.supervisors.pop(number % len(self.supervisors))
        asked = (supervisor.folder / "stop.json").exists() and code == "error"
        supervisor.end("stopped" if asked else code)

    @precondition(lambda self: self.supervisors)
    @rule(number=st.integers(0, 3))
    def die(self, number: int) -> None:
        supervisor = self.supervisors.pop(number % len(self.supervisors))
        self.died.add(supervisor.folder.name)
        supervisor.die()

    # --- what must hold --------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_or_done_twice(self) -> None:
        jobs = {job.id: job for job in self.items("jobs.list", limit=100)}
        assert set(self.acknowledged.values()) <= set(jobs), "an acknowledged job is lost"
        assert len({job.name for job in jobs.values()}) == len(jobs), "one key made two jobs"
        assert all(number == 1 for number in self.begun.values()), "work began twice"
        for job in jobs.values():
            self.holds(job)
        holding = [j for j in jobs.values() if j.state in ("starting", "running", "stopping")]
        assert sum(job.np for job in holding) <= SLOTS

    def holds(self, job: Job) -> None:
        """What must hold of one job."""
        if before := self.final.get(job.id):
            assert job == before, "a final state did not stay"
        if not job.final:
            return
        self.final[job.id] = job
        assert job.cause is not None
        assert job.cause.code != "not-started", job.cause
        if job.state == "stopped":
            assert job.id in self.stopped, "nobody asked to stop it"
            assert job.cause.message.startswith("stopped by grace"), job.cause
        if job.state == "lost":
            assert job.id in self.died, "its supervisor did not die"
        if job.state == "succeeded":
            assert self.begun[job.id] == 1, "it never began"

    @invariant()
    def ends_are_told_once(self) -> None:
        told = Counter(
            event.subject
            for event in self.items("events.list", limit=1000)
            if event.topic.partition(".")[2] in FINAL_STATES
        )
        assert all(number == 1 for number in told.values()), "an end was told twice"
        assert set(self.final) <= set(told), "an end was not told"

    def items(self, name: str, /, **arguments: Any) -> list[Any]:
        return list(self.loop.run_until_complete(self.call(name, **arguments)).items)

    def teardown(self) -> None:
        """Let everything come to its end: then every job has one."""
        try:
            for _ in range(4 * MOST_JOBS):
                self.live(self.one_pass(), None)
                while Forks.made or self.supervisors:
                    if Forks.made:  # a second one of a folder comes when the first has ended
                        self.take(0)
                    while self.supervisors:
                        self.end(0, "finished")
            self.nothing_is_lost_or_done_twice()
            self.ends_are_told_once()
            unfinished = set(self.acknowledged.values()) - set(self.final)
            assert not unfinished, "an acknowledged job never ended"
            for id_ in self.stops_answered - set(self.begun):
                assert self.final[id_].state == "stopped", "it was to stop before it began"
        finally:
            for supervisor in self.supervisors:
                supervisor.die()
            self.crash()
            self.loop.close()
            shutil.rmtree(self.folder.parent)


async def _only_single() -> dict[str, str]:
    return {"single": ""}


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch, template: Path) -> Iterator[None]:
    """A control plane that can crash, and forks that nobody but the test lets come."""
    monkeypatch.setattr(control_plane, "Store", MortalStore)
    monkeypatch.setattr(control_plane, "Warm", Forks)
    monkeypatch.setattr(States, "template", template, raising=False)
    yield
    assert not os.environ.get("AIMASS_JOB_ID")


def test_any_order_of_events_and_crashes_keeps_the_promises(mortal: None) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    limits = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(States, settings=limits)


def test_who_stopped_a_job_is_known_though_the_control_plane_dies_at_once(mortal: None) -> None:
    for taken in (True, False):
        states = States()
        states.submit(None)
        states.look(None)
        if taken:
            states.take(0)
        states.stop(0, fuse=3)  # its row says that it is to stop, and that was all
        states.look(None)
        states.live(states.call("jobs.stop", job=states.acknowledged["key-1"]), None)  # Ada, too
        for supervisor in states.supervisors:  # as it does once it was asked
            supervisor.end("stopped" if (supervisor.folder / "stop.json").exists() else "error")
        states.supervisors = []
        states.teardown()
        assert [job.state for job in states.final.values()] == ["stopped"]
