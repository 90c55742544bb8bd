"""A storm: waves of submissions, with the control plane and the jobs' processes killed meanwhile.

It draws when and whom to kill from one seed. What it did goes into the ledger; whether the product
bore it is judged elsewhere.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import AimassError, Unavailable
from aimass_jupyter.host import identify, read_record
from aimass_jupyter.source.package import pack_script
from aimass_server.programs import Program
from tests.chaos.hardships import MemoryGroup, SmallDisk
from tests.chaos.ledger import Entry, Harm, Kind, Ledger
from tests.chaos.plane import Plane, may_pass, patiently, until

WORK = Path(__file__).with_name("work.py")
_HARMS: tuple[Harm, ...] = (
    "rank", "launcher", "supervisor", "starved", "",
    "paused", "paused launcher", "paused supervisor",
)  # fmt: skip
_STARVED_BYTES = 48 << 20


class Storm:
    """One storm over one control plane.

    Attributes
    ----------
    readopted
        For each start, the seconds until the control plane told of every job what is so.
    done
        What was done how often.
    """

    def __init__(
        self,
        plane: Plane,
        disk: SmallDisk,
        memory: MemoryGroup,
        marks: Path,
        seed: int,
        long_down: float,
    ) -> None:
        self._plane = plane
        self._disk = disk
        self._memory = memory
        self._marks = marks
        self._random = random.Random(seed)
        self._long_down = long_down
        self._package = pack_script(WORK)
        self._harms = itertools.cycle(self._random.sample(_HARMS, len(_HARMS)))
        self._followers: list[tuple[Entry, threading.Thread]] = []
        self.ledger = Ledger()
        self.readopted: list[float] = []
        self.done: Counter[str] = Counter()
        marks.mkdir(mode=0o700)

    def run(self, kills: int, say: Callable[[str], None] = lambda text: None) -> None:
        """Wave after wave, until the control plane was killed so often."""
        self._plane.spawn()
        self._plane.wait_until_up()
        for wave in itertools.count():
            if self._plane.kills >= kills:
                break
            if wave % 4 == 1 and not self._disk.why_not:
                self._full_disk()
            self._wave()
            say(f"{self._plane.kills} kills, {len(self.ledger.entries)} jobs")
        self._settle()

    def _wave(self) -> None:
        """Submit, run, harm or stop, finish: the control plane is killed in each of them."""
        entries = [self.ledger.begin(kind) for kind in (self._long(), self._short(), "finish")]
        self._killed("submit", [lambda e=e: self._submit(e, once=True) for e in entries], 0.12)
        for entry in entries[:2] if self._chance(0.3) else entries:
            self._submit(entry)
        self._killed("run", [], 2.0)
        waiting = entries[0]
        self._until_it_speaks(waiting)
        if self._chance(0.4):
            self._killed("stop", [lambda: self._stop(waiting)], 0.06)
            if not waiting.stop_acknowledged:
                self._stop(waiting, patient=True)
            return
        self._harm(waiting, next(self._harms))
        self._release(waiting)
        folder = self._folder(waiting)
        soon = waiting.harm == "supervisor" or waiting.most_starts > 1
        until(lambda: soon or (folder / "exit.json").exists(), "its end")
        self._killed("finish", [], 0.05)

    def _full_disk(self) -> None:
        """A job runs and ends while the disk is full, and the control plane is killed meanwhile."""
        until(self._all_ended, "the end of those that are tried again, which would meet it, too")
        quiet, refused = self.ledger.begin("quiet"), self.ledger.begin("finish")
        self._submit(quiet)
        self._until_it_speaks(quiet)
        with self._disk.filled():
            self._submit(refused, once=True)
            self._release(quiet)
            until(lambda: (self._folder(quiet) / "exit.json").exists(), "its end on a full disk")
            time.sleep(self._random.uniform(0, 1.0))
            self._plane.kill()
            self.done["disk full, and killed"] += 1
        self._back()

    def _long(self) -> Kind:
        return self._random.choice(("wait", "again"))

    def _short(self) -> Kind:
        return self._random.choice(("finish", "fail", "memory"))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    # --- the control plane -----------------------------------------------------------------

    def _killed(self, moment: str, meanwhile: list[Callable[[], None]], within: float) -> None:
        """Kill the control plane at some moment while clients ask it for something."""
        threads = [threading.Thread(target=ask) for ask in meanwhile]
        for thread in threads:
            thread.start()
        time.sleep(self._random.uniform(0, within))
        self._plane.kill()
        self.done[f"killed at {moment}"] += 1
        for thread in threads:
            thread.join()
        time.sleep(self._random.choices((0.0, 1.0, self._long_down), (75, 23, 2))[0])
        self._back()

    def _back(self) -> None:
        """Start it again; one in four starts is killed, too."""
        self._plane.spawn()
        if self._chance(0.25):
            time.sleep(self._random.uniform(0.1, 1.5))
            self._plane.kill()
            self.done["killed at its start"] += 1
            self._plane.spawn()
        self._plane.wait_until_up()
        began = time.monotonic()
        until(self._all_known, "all jobs are known again")
        self.readopted.append(time.monotonic() - began)

    def _all_known(self) -> bool:
        """Whether the control plane tells of every job what its folder says."""
        with self._plane.client() as client:
            return all(
                self._agree(entry, patiently(lambda e=entry: client.jobs.show(e.job)).state)
                for entry in self.ledger.entries[-12:]
                if entry.acknowledged
            )

    def _all_ended(self) -> bool:
        """Whether no job is left that runs, or will."""
        with self._plane.client() as client:
            return not patiently(lambda: client.jobs.list(state="active", limit=1)).items

    def _agree(self, entry: Entry, told: str) -> bool:
        is_so = Program(self._folder(entry), f"AIMASS_JOB_ID={entry.job}").state()
        if is_so == "alive":
            return told in ("running", "stopping")
        if is_so in ("ended", "lost"):
            return told in ("succeeded", "failed", "stopped", "lost")
        return True

    # --- clients ---------------------------------------------------------------------------

    def _submit(self, entry: Entry, *, once: bool = False) -> None:
        """Send a submission under its key; until it is acknowledged, or once."""
        try:
            job = self._post(entry) if once else patiently(lambda: self._post(entry))
        except AimassError as error:
            if once and may_pass(error):
                return
            raise
        known = entry.acknowledged
        entry.ids.add(job)
        if not known:
            self._follow(entry)

    def _post(self, entry: Entry) -> str:
        with self._plane.client() as client:
            if not entry.upload:
                entry.upload = client.upload_content("work.zip", self._package.content)
            body = {
                "source": entry.upload,
                "name": entry.name,
                "arguments": [str(self._marks), entry.kind],
                "retries": entry.retries,
            }
            answer = client._exchange(
                "POST", "/jobs", json=body, headers={"Idempotency-Key": entry.key}
            )
            self.done["submissions acknowledged"] += 1
            return str(answer.json()["id"])

    def _follow(self, entry: Entry) -> None:
        """Follow a job to its end, whatever happens to the control plane meanwhile."""
        thread = threading.Thread(target=self._hear, args=(entry,), daemon=True)
        self._followers.append((entry, thread))
        thread.start()

    def _hear(self, entry: Entry) -> None:
        """Be told all lines; who gives up waiting for the control plane begins again."""
        try:
            with self._plane.client() as client:
                while True:
                    with suppress(Unavailable):
                        entry.told = list(_lines_told(client, entry.job))
                        return
        except AimassError as error:
            entry.follower_fault = str(error)

    def _stop(self, entry: Entry, *, patient: bool = False) -> None:
        entry.stop_sent = True
        try:
            with self._plane.client() as client:
                stop = lambda: client.jobs.stop(entry.job)  # noqa: E731
                patiently(stop) if patient else stop()
        except AimassError as error:
            if not patient and may_pass(error):
                return
            raise
        entry.stop_acknowledged = True

    # --- jobs ------------------------------------------------------------------------------

    def _folder(self, entry: Entry) -> Path:
        return self._plane.folder / "jobs" / entry.job

    def _until_it_speaks(self, entry: Entry) -> None:
        log = self._folder(entry) / "log" / "rank-0.log"
        until(lambda: log.exists() and b"line 19" in log.read_bytes(), f"{entry.name} speaks")

    def _harm(self, entry: Entry, harm: Harm) -> None:
        """Kill one of a job's processes, or pause one for a while."""
        if not harm or (harm == "starved" and self._memory.why_not):
            return
        folder = self._folder(entry)
        rank = (read_record(folder / "ranks.json") or {})["pids"][0]
        supervisor = (read_record(folder / "started.json") or {})["identity"]["pid"]
        entry.harm = harm
        pids = {"rank": rank, "launcher": _parent_of(rank), "supervisor": supervisor}
        self.done[harm if harm.startswith("paused") else f"{harm} killed"] += 1
        if harm == "starved":
            self._starve(entry, rank)
        elif harm.startswith("paused"):
            pid = pids[harm.removeprefix("paused").strip() or "rank"]
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self._random.uniform(0.5, 2.0))
            os.kill(pid, signal.SIGCONT)
        else:
            os.kill(pids[harm], signal.SIGKILL)

    def _starve(self, entry: Entry, rank: int) -> None:
        """Have the kernel kill its rank, and no other process, for want of memory."""
        Path(f"/proc/{rank}/oom_score_adj").write_text("1000")
        with self._memory.short_by(_STARVED_BYTES):
            (self._marks / f"{entry.job}.eat").touch()
            until(lambda: identify(rank) is None, "the kernel kills it")

    def _release(self, entry: Entry) -> None:
        """Let a waiting job end."""
        (self._marks / f"{entry.job}.go").touch()

    def _settle(self) -> None:
        """Wait until every job has ended and whoever followed one was told so."""
        for entry in self.ledger.entries:
            if entry.acknowledged:
                self._release(entry)
        until(self._all_ended, "all jobs have ended")
        for entry, thread in self._followers:
            thread.join(60)
            if thread.is_alive():
                entry.follower_fault = "it was not told of the end"


def _lines_told(client: Client, job: str) -> Iterator[str]:
    """The lines of rank 0, as they come."""
    for update in client.updates(job):
        for line in update.log.splitlines():
            if line.startswith("[0] "):
                yield line.removeprefix("[0] ")


def _parent_of(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(stat[1])
