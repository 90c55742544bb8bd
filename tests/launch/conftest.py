"""Supervisors as the control plane starts them: real processes in folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import aimass_jupyter
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.ids import new_id
from aimass_jupyter.contract.job_options import JobOptions
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import (
    ProcessIdentity,
    identify,
    is_locked,
    marked_processes,
    read_record,
    stop_marked,
    write_record,
)
from aimass_jupyter.launch.launchers import GANG_RECORD, available_engines

PATIENCE_SECONDS = 120
_ON_SMALL_DISK = """
import pathlib, subprocess, sys
folder = pathlib.Path(sys.argv[1])
orders = {path: path.read_bytes() for path in folder.glob("*.json")}
subprocess.run(["mount", "-t", "tmpfs", "-o", sys.argv[2], "tmpfs", str(folder)], check=True)
for path, content in orders.items():
    path.write_bytes(content)
subprocess.run([sys.executable, "-m", "aimass_jupyter.launch", str(folder)], check=True)
print((folder / "exit.json").read_text())
"""


class Launched:
    """One supervised folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marker = f"AIMASS_JOB_ID={new_id('job')}"
        self._supervisors: list[subprocess.Popen[bytes]] = []

    def order(self, launch: dict[str, Any]) -> None:
        record = {"marker": self.marker, "grace_seconds": 2.0} | launch
        write_record(self.folder / "launch.json", record)

    def start(self) -> subprocess.Popen[bytes]:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "aimass_jupyter.launch", str(self.folder)],
            start_new_session=True,
        )  # fmt: skip
        self._supervisors.append(supervisor)
        return supervisor

    def run(self) -> dict[str, Any]:
        """Start it and wait for its end."""
        assert self.start().wait(PATIENCE_SECONDS) == 0
        return self.exit_record

    def run_on_small_disk(self, megabytes: int) -> dict[str, Any]:
        """Run it with its folder on a disk of its own; skip where nobody may mount one."""
        namespace = ["unshare", "--map-root-user", "--mount"]
        if subprocess.run([*namespace, "true"], check=False).returncode:
            pytest.skip("this machine lets nobody make a mount namespace")
        program = [sys.executable, "-c", _ON_SMALL_DISK, str(self.folder), f"size={megabytes}m"]
        done = subprocess.run([*namespace, *program], capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout))

    @property
    def exit_record(self) -> dict[str, Any]:
        record = read_record(self.folder / "exit.json")
        assert record is not None
        return record

    @property
    def cause(self) -> dict[str, Any]:
        return dict(self.exit_record["cause"])

    def processes(self) -> list[ProcessIdentity]:
        return list(marked_processes(*self.marker.split("=")))

    def rank(self, number: int) -> ProcessIdentity:
        """The process of a rank, as the gang says, once it is there."""

        def found() -> ProcessIdentity | None:
            record = read_record(self.folder / GANG_RECORD)
            return identify(record["pids"][number]) if record else None

        rank: ProcessIdentity = until(found)
        assert rank in self.processes()
        return rank

    def log(self, name: str) -> str:
        path = self.folder / "log" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def clear(self, keep: tuple[str, ...] = ()) -> None:
        """Forget this run, as if the folder were new."""
        for path in self.folder.iterdir():
            if path.name not in keep:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def end(self) -> None:
        for supervisor in self._supervisors:
            supervisor.kill()
            supervisor.wait()
        stop_marked(*self.marker.split("="), grace_seconds=0)


def until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for a condition and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{condition} did not come true in {seconds} s"
        time.sleep(0.02)
    return found


class Launcher:
    """A warm launcher and the socket to it."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE_SECONDS)
        number = theirs.fileno()
        with theirs, log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "aimass_jupyter.launch.warm", str(number)],
                pass_fds=(number,), stdout=output, stderr=output, env=environment,
                start_new_session=True,
            )  # fmt: skip

    def ask(self, folder: Path) -> None:
        self._socket.send(json.dumps({"folder": str(folder)}).encode())

    def expect(self, engine: str, np: int) -> None:
        """Say that the next job may be like this."""
        self._socket.send(json.dumps({"ahead": {"engine": engine, "np": np}}).encode())

    def hear(self) -> dict[str, Any]:
        return dict(json.loads(self._socket.recv(1 << 16)))

    def start(self, launched: Launched) -> ProcessIdentity:
        """Have a supervisor forked for a folder; who it is."""
        self.ask(launched.folder)
        assert self.hear() == {"started": str(launched.folder)}
        record = read_record(launched.folder / "started.json")
        assert record
        return ProcessIdentity.from_record(record["identity"])

    def hang_up(self) -> int:
        self._socket.close()
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package in a place of its own, where nobody edits it but these tests."""
    folder = tmp_path_factory.mktemp("source")
    package = Path(aimass_jupyter.__file__).parent
    leave_out = shutil.ignore_patterns("__pycache__", "labextension")
    shutil.copytree(package, folder / package.name, ignore=leave_out)
    return folder


@pytest.fixture(scope="module")
def warm(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """One that has a secret and that all of these tests share."""
    environment = os.environ | {"PYTHONPATH": str(source), "JUPYTER_TOKEN": "canary-4417"}
    launcher = Launcher(environment, tmp_path_factory.mktemp("warm") / "warm.log")
    assert launcher.hear() == {"ready": True}
    yield launcher
    assert launcher.hang_up() == 0


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launched]:
    """A folder to supervise; whatever happens, nothing of it outlives the test."""
    thing = Launched(tmp_path)
    yield thing
    leftovers = thing.processes() if not is_locked(tmp_path / "lock") else []
    thing.end()
    assert leftovers == []


@pytest.fixture
def command(launched: Launched) -> Callable[..., Launched]:
    """Orders a Python program."""

    def make(code: str, **more: Any) -> Launched:
        launched.order({"kind": "command", "argv": [sys.executable, "-c", code]} | more)
        return launched

    return make


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits dataset."""
    return imported(tmp_path_factory.mktemp("digits"), {"builtin": "digits"})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of four rows."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.csv").write_text("size,label\n1,a\n2,b\n3,a\n4,b\n")
    return imported(folder, {"path": str(folder / "tiny.csv"), "filename": "tiny.csv"})


def imported(folder: Path, source: dict[str, str]) -> Path:
    """Import a dataset as the control plane does it."""
    (folder / "request.json").write_text(json.dumps({"source": source}))
    importer = [sys.executable, "-m", "aimass_jupyter.data.importer", str(folder)]
    subprocess.run(importer, check=True, timeout=PATIENCE_SECONDS)
    return folder / "data.arrow"


def order_job(launched: Launched, dataset: Path, engine: str, np: int, **params: Any) -> None:
    """Order a training job on a dataset; ``label`` is the column to learn."""
    label = params.pop("label", "digit")
    options = JobOptions(**params.pop("options", {}))
    declared = ALGORITHMS["classification"].hyperparameters
    spec = JobSpec(
        id=launched.marker.partition("=")[2], name="digits", engine=engine, np=np,
        algorithm="classification", params=declared(**params).model_dump(), seed=0,
        dataset="digits@1", dataset_digest="0" * 64, dataset_path=str(dataset), label=label,
        python=sys.executable, options=options,
    )  # fmt: skip
    write_record(launched.folder / "spec.json", spec.model_dump(mode="json"))
    launched.order({"kind": "job"})


@pytest.fixture
def job(launched: Launched, digits: Path) -> Callable[..., Launched]:
    """Orders a training job on digits."""

    def make(engine: str, np: int, dataset: Path = digits, **params: Any) -> Launched:
        require(engine)
        order_job(launched, dataset, engine, np, **params)
        return launched

    return make


@pytest.fixture(scope="session")
def finished(
    digits: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, int], Launched]:
    """Gives a job that has run to its end, the same one whenever it is asked for."""

    @cache
    def make(engine: str, np: int) -> Launched:
        require(engine)
        launched = Launched(tmp_path_factory.mktemp(engine))
        order_job(launched, digits, engine, np, epochs=6)
        launched.run()
        return launched

    return make


def require(engine: str) -> None:
    if reason := available_engines()[engine]:
        pytest.skip(f"engine {engine}: {reason}")
