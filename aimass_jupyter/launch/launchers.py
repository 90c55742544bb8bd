"""Launchers: each turns a job into the command that starts its ranks, and reads its verdict.

Nothing is started here, and no engine is imported: what an environment has is told from the files
of its packages. Another package adds a launcher through the entry point group
``aimass_jupyter.launchers``.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from aimass_jupyter.contract.errors import NotFound, Unavailable, did_you_mean
from aimass_jupyter.host import read_record
from aimass_jupyter.launch.order import JobOrder

ENTRY_POINTS = "aimass_jupyter.launchers"
GANG_RECORD = "ranks.json"
_GANG_MODULE = "aimass_jupyter.launch.gang"
_LEADER_MODULE = "aimass_jupyter.launch.nodes.leader"
_PART_MODULE = "aimass_jupyter.launch.nodes.part_gang"
_WORK_MODULE = "aimass_jupyter.work.program"
_ELASTIC_MODULE = "aimass_jupyter.launch.elastic"
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

    def exits(self, folder: Path, output: str, code: int) -> list[RankExit]:
        """Find the ranks that failed, the first one first.

        Parameters
        ----------
        output
            The last that the command said.
        code
            The command's own exit code.
        """


def read_exits(folder: Path) -> list[RankExit]:
    """How the ranks of a gang that failed ended, as its record says."""
    record = read_record(folder / GANG_RECORD) or {}
    return [RankExit(int(e["rank"]), int(e["code"])) for e in record.get("exits", [])]


class GangLauncher:
    """Ranks on this host, forked from one process that has imported all that they need.

    A supervisor that has imported it already forks that process too, instead of running the
    command.
    """

    def missing(self) -> str:
        return _without("torch")

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        return [order.python, "-m", _GANG_MODULE, str(folder)], {}

    def forks(self, order: JobOrder) -> bool:
        """Whether a process that has imported all may lead the gang of this job."""
        return True

    def exits(self, folder: Path, output: str, code: int) -> list[RankExit]:
        return read_exits(folder)


class WorkLauncher(GangLauncher):
    """Work without torch, in one process; a process that has imported more may fork it, too."""

    def missing(self) -> str:
        return ""

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        return [order.python, "-m", _WORK_MODULE, str(folder)], {}


class NodesLauncher:
    """Ranks on several nodes: a leader here speaks with an agent on each."""

    def missing(self) -> str:
        return ""

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        return [order.python, "-m", _LEADER_MODULE, str(folder)], {}

    def exits(self, folder: Path, output: str, code: int) -> list[RankExit]:
        return read_exits(folder)


class PartLauncher(NodesLauncher):
    """The ranks of such a job that are on this node."""

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        return [order.python, "-m", _PART_MODULE, str(folder)], {}


class HorovodLauncher(GangLauncher):
    """Ranks that Horovod connects, with gloo or NCCL as it was built.

    Those of an elastic job are looked after by Horovod's own driver. Own code knows nothing of
    that: its ranks are started again, fewer of them.
    """

    def command(self, order: JobOrder, folder: Path) -> tuple[list[str], dict[str, str]]:
        if not self.forks(order):
            return [order.python, "-m", _ELASTIC_MODULE, str(folder)], {}
        return super().command(order, folder)

    def forks(self, order: JobOrder) -> bool:
        return not order.elastic or order.own_code

    def missing(self) -> str:
        if reason := super().missing() or _without("horovod"):
            return reason
        spec = find_spec("horovod")
        folders = (spec and spec.submodule_search_locations) or []
        built = any(any(Path(folder, "torch").glob("mpi_lib*.so")) for folder in folders)
        return "" if built else "horovod was built without torch"


_OURS: dict[str, type[Launcher]] = {
    "single": GangLauncher,
    "horovod": HorovodLauncher,
    "torchrun": GangLauncher,
}


def launcher_of(order: JobOrder) -> Launcher:
    """The launcher of a job; on several nodes the engine's own one starts no ranks.

    Raises
    ------
    Unavailable
        When the engine knows nothing of nodes.
    """
    if not order.trains:
        return WorkLauncher()
    if order.where == "here":
        return find_launcher(order.engine)
    if order.engine not in _OURS:
        raise Unavailable(f"engine '{order.engine}' runs on one machine alone", "leave --cluster")
    return NodesLauncher() if order.where == "nodes" else PartLauncher()


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
