"""What every suite may use: a real control plane in a process of its own, and a client of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address, Owner, owner
from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.contract.jobs import Job

START_SECONDS = 120.0

# The same examples each time: what fails was caused by the change at hand, not by luck or by a
# busy machine. ``pytest --hypothesis-profile=search`` draws others.
settings.register_profile(
    "search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("aimass", settings.get_profile("search"), derandomize=True)
settings.load_profile("aimass")


def pytest_configure() -> None:
    """A run in the background has Ctrl-C ignored, and so would be whatever the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Server:
    """A control plane over a data folder, that can be killed and started again."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = {"AIMASS_DATA": str(folder), **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "aimass_server", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | self.environment,
                start_new_session=True,
            )
        self.wait_until_up()

    def wait_until_up(self) -> Owner:
        deadline = time.monotonic() + START_SECONDS
        while (found := owner(self.folder)) is None:
            assert self.process is None or self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
        return found

    @property
    def log(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    @property
    def url(self) -> str:
        return self.wait_until_up().url

    @property
    def token(self) -> str:
        return self.wait_until_up().token_file.read_text()

    def client(self) -> Client:
        return Client(Address(self.url, self.token), find=lambda: Address(self.url, self.token))

    def kill(self) -> None:
        """As a crash: no goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """The control plane alone; what it started goes on."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def stop_everything(self) -> None:
        self.stop()
        stop_programs(self.folder)


@pytest.fixture(scope="session", autouse=True)
def own_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The kernels of a worker keep their history apart from those of the other one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A control plane for all tests that leave it as it is."""
    server = Server(tmp_path_factory.mktemp("aimass") / "data")
    server.start()
    yield server
    server.stop_everything()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A control plane for one test, which may kill it."""
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.stop_everything()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[Client]:
    """The admin's client of the shared control plane."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def trained(client: Client) -> Job:
    """A job that ended well: iris, one rank, one model version, promoted."""
    client.datasets.import_("iris")
    job: Job = client.jobs.submit(
        dataset="iris", algorithm="classification", params={"epochs": 5}, name="iris"
    )
    ended = client.wait(job.id)
    assert ended.state == "succeeded", ended.cause
    client.models.promote("iris", alias="production")
    return ended


@pytest.fixture
def oddly_named(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose name the kernel cut in the middle of a letter: 15 bytes that are no text."""
    program = tmp_path / "обработка"
    shutil.copy(shutil.which("sleep") or "sleep", program)
    process = subprocess.Popen([program, "600"])
    name = Path(f"/proc/{process.pid}/comm")
    while name.read_bytes() != program.name.encode()[:15] + b"\n":  # set a moment after the start
        time.sleep(0.01)
    yield process
    process.kill()
    process.wait()
