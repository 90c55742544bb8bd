"""Launchers: each turns a job into the command that starts its ranks, and reads its verdict.

Nothing is started here, and no engine is imported: what an environment has is told from the files
of its packages. Another package adds a launcher through the entry point group
``aimass_jupyter.launchers``.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from aimass_jupyter.contract.errors import NotFound, did_you_mean
from aimass_jupyter.contract.ids import ulid
from aimass_jupyter.launch.order import JobOrder

ENTRY_POINTS = "aimass_jupyter.launchers"
_RANK_MODULE = "aimass_jupyter.training.rank"
_HOROVODRUN = "aimass_jupyter.launch.horovodrun"
_STALL_SECONDS = 600
_SIGNALS = frozenset(signal.valid_signals())


@dataclass(frozen=True)
class RankExit:
    """How a rank ended, as the launcher tells it; None stands for a process that is no rank."""

    rank: int | None
    code: int


def signal_name(code: int | None) -> str | None:
    """Name of the signal that an exit code stands for: negative in Python, 128 more in a shell."""
    if code is None:
        return None
    number = -code if code < 0 else code - 128
    return signal.Signals(number).name if number in _SIGNALS else None


class Launcher(Protocol):
    """Starts the ranks of a job on this node."""

    def missing(self) -> str:
        """Say why this environment cannot use it; empty when it can."""

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        """Return the argv, and the environment beside the job's, that run every rank."""

    def exits(self, output: str, code: int) -> list[RankExit]:
        """Find the ranks that failed in the launcher's last output and its own exit code."""


class SingleLauncher:
    """One process, no launcher at all."""

    def missing(self) -> str:
        return _without("torch")

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        return [order.python, "-m", _RANK_MODULE, str(folder)], {}

    def exits(self, output: str, code: int) -> list[RankExit]:
        return [RankExit(0, code)]


class HorovodLauncher:
    """``horovodrun`` with gloo, on the loopback interface.

    It puts every environment variable into the argv of its ranks: what the job's environment
    holds is for everybody on this machine to read.
    """

    _EXIT = re.compile(r"^Process (\d+) exit with status code (-?\d+)\.", re.MULTILINE)

    def missing(self) -> str:
        if reason := _without("torch") or _without("horovod"):
            return reason
        spec = find_spec("horovod")
        folders = (spec and spec.submodule_search_locations) or []
        built = any(any(Path(folder, "torch").glob("mpi_lib*.so")) for folder in folders)
        return "" if built else "horovod was built without torch"

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        launch = [order.python, "-m", _HOROVODRUN, "-np", str(order.np), "--gloo"]
        where = ["-H", f"localhost:{order.np}", "--network-interfaces", "lo", "--disable-cache"]
        patience = ["--gloo-timeout-seconds", str(_STALL_SECONDS)]
        rank = [order.python, "-m", _RANK_MODULE, str(folder)]
        return [*launch, *where, *patience, *rank], {}

    def exits(self, output: str, code: int) -> list[RankExit]:
        return [RankExit(int(rank), int(ended)) for rank, ended in self._EXIT.findall(output)]


class TorchrunLauncher:
    """``torchrun`` on this node, meeting through a file rather than a port."""

    _EXIT = re.compile(r"^ *rank *: (\d+).*\n *exitcode *: (-?\d+)", re.MULTILINE)

    def missing(self) -> str:
        return _without("torch")

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        launch = [order.python, "-m", "torch.distributed.run", "--nnodes", "1"]
        ranks = ["--nproc-per-node", str(order.np), "--max-restarts", "0"]
        meeting = folder / f"meeting-{ulid()}"  # never one that an earlier attempt left
        how = ["--rdzv-backend", "c10d", "--rdzv-conf", "store_type=file",
               "--rdzv-id", order.id, "--rdzv-endpoint", f"{meeting}.launcher"]  # fmt: skip
        own = folder / "log" / "torchrun"  # what it writes besides goes with the job, not to /tmp
        rank = ["--log-dir", str(own), "--module", _RANK_MODULE, str(folder)]
        environment = {
            "AIMASS_MEETING": f"{meeting}.ranks",
            "GLOO_SOCKET_IFNAME": "lo",
            "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # it would listen on every interface
        }
        return [*launch, *ranks, *how, *rank], environment

    def exits(self, output: str, code: int) -> list[RankExit]:
        return [RankExit(int(rank), int(ended)) for rank, ended in self._EXIT.findall(output)]


_OURS: dict[str, type[Launcher]] = {
    "single": SingleLauncher,
    "horovod": HorovodLauncher,
    "torchrun": TorchrunLauncher,
}


def find_launcher(name: str) -> Launcher:
    """Return the launcher of an engine.

    Raises
    ------
    NotFound
        When neither we nor an installed package has one of that name.
    """
    if ours := _OURS.get(name):
        return ours()
    others = entry_points(group=ENTRY_POINTS)
    if name in others.names:
        found: Launcher = others[name].load()()
        return found
    known = [*_OURS, *others.names]
    raise NotFound(f"there is no launcher for engine '{name}'", did_you_mean(name, known))


def available_engines() -> dict[str, str]:
    """The engines by name, each with the reason why this environment cannot use it, or empty."""
    names = [*_OURS, *sorted(entry_points(group=ENTRY_POINTS).names)]
    return {name: find_launcher(name).missing() for name in names}


def _without(package: str) -> str:
    return "" if find_spec(package) else f"{package} is not installed"
