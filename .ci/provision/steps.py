"""A step of set-up, the stamp that says it is done, and running steps in order.

A stamp holds the digest of what the step was made from: an unchanged step is skipped, a changed
one runs again, and a step that was cut off has a mark instead of a stamp.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.layout import Layout
from provision.programs import ProgramFailed, Programs, Screen

TAIL_LINES = 20
UNREAD_FOLDERS = frozenset({"node_modules", "__pycache__", "lib", ".yarn", "coverage"})


class StepFailed(Exception):
    """A step could not be done; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Step:
    """One thing set-up does.

    Attributes
    ----------
    name
        One word: of the log, the stamp and the line on the screen.
    does, takes
        What is done and how long that may take, for the person who waits.
    inputs
        What the outcome depends on: words, files and folders. Asked right before the step, so
        that it may look at what earlier steps made.
    act
        Does it, and says in a few words what came out.
    makes
        Files that exist when the step is done; a stamp without them does not count.
    cure
        What a person does when it fails.
    """

    name: str
    does: str
    takes: str
    inputs: Callable[[], Iterable[str | Path]]
    act: Callable[[Programs], str]
    cure: str
    makes: tuple[Path, ...] = ()


def digest(inputs: Iterable[str | Path]) -> str:
    """One digest of words, files and folders; a missing file is an input as well."""
    total = hashlib.sha256()
    for part in inputs:
        for name, content in _contents(part):
            total.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
    return total.hexdigest()


def _contents(part: str | Path) -> Iterator[tuple[str, bytes]]:
    if isinstance(part, str):
        yield "", part.encode()
    elif part.is_dir():
        for folder, folders, files in os.walk(part):
            folders[:] = sorted(set(folders) - UNREAD_FOLDERS)
            for name in sorted(files):
                path = Path(folder, name)
                yield str(path.relative_to(part.parent)), path.read_bytes()
    else:
        yield part.name, part.read_bytes() if part.is_file() else b""


class Stamps:
    """The record of finished steps, one small file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def done(self, step: Step, now: str) -> str | None:
        """What came out when the step was done from these inputs, or None if it is to do."""
        try:
            stamp = json.loads(self._stamp(step).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        whole = all(path.exists() for path in step.makes)
        return str(stamp["outcome"]) if stamp.get("digest") == now and whole else None

    def begin(self, step: Step) -> bool:
        """Mark the step as begun; whether its last attempt was cut off."""
        self._folder.mkdir(parents=True, exist_ok=True)
        cut_off = self._mark(step).exists()
        self._mark(step).touch()
        self._stamp(step).unlink(missing_ok=True)
        return cut_off

    def give_up(self, step: Step) -> None:
        """Remember that the step ended by itself, with a failure."""
        self._mark(step).unlink(missing_ok=True)

    def finish(self, step: Step, now: str, outcome: str) -> None:
        """Record the step as done. A step may have made the folder anew, so make it again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._stamp(step).with_suffix(".part")
        draft.write_text(json.dumps({"digest": now, "outcome": outcome}), encoding="utf-8")
        draft.replace(self._stamp(step))
        self._mark(step).unlink(missing_ok=True)

    def _stamp(self, step: Step) -> Path:
        return self._folder / f"{step.name}.json"

    def _mark(self, step: Step) -> Path:
        return self._folder / f"{step.name}.begun"


@dataclass(frozen=True)
class Runner:
    """Runs steps in order, and says so."""

    layout: Layout
    screen: Screen
    environment: Mapping[str, str]
    held: tuple[int, ...] = ()

    def run(self, steps: Sequence[Step]) -> None:
        """Do what is not done yet.

        Raises
        ------
        StepFailed
            At the first step that fails; the ones before it stay done.
        """
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        stamps = Stamps(self.layout.stamps)
        for number, step in enumerate(steps, start=1):
            title = f"[{number}/{len(steps)}] {step.name}"
            now = digest([step.name, *step.inputs()])
            outcome = stamps.done(step, now)
            if outcome is not None:
                self.screen.say(f"{title}: done already: {outcome}")
                continue
            self.screen.say(f"{title}: {step.does} ({step.takes})")
            self._do(title, step, stamps, now)

    def _do(self, title: str, step: Step, stamps: Stamps, now: str) -> None:
        began = time.monotonic()
        programs = self._programs(step, resumed=stamps.begin(step))
        try:
            outcome = step.act(programs)
        except (ProgramFailed, OSError) as problem:
            stamps.give_up(step)
            raise StepFailed(_explain(step, programs, problem)) from problem
        stamps.finish(step, now, outcome)
        self.screen.say(f"{title}: {outcome} ({time.monotonic() - began:.0f} s)")

    def _programs(self, step: Step, *, resumed: bool) -> Programs:
        log = self.layout.logs / f"{step.name}.log"
        log.write_text("", encoding="utf-8")
        return Programs(
            log=log,
            environment=self.environment,
            screen=self.screen,
            folder=self.layout.root,
            held=self.held,
            resumed=resumed,
        )


def _explain(step: Step, programs: Programs, problem: Exception) -> str:
    lines = [f"set-up stopped at '{step.name}': {problem}", f"The end of {programs.log}:"]
    lines += [f"  | {line}" for line in programs.tail(TAIL_LINES)]
    return "\n".join([*lines, f"What to do: {step.cure}", "Then run the same command again."])


@contextmanager
def only_one_at_work(layout: Layout, screen: Screen) -> Iterator[int]:
    """Hold the checkout's set-up lock; yields its descriptor.

    Programs inherit the descriptor: what a killed set-up left running still holds the lock.
    """
    layout.logs.mkdir(parents=True, exist_ok=True)
    lock = os.open(layout.logs / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 20, 0).decode() or "unknown"
            screen.say(f"another set-up (process {owner}) is at work here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)
