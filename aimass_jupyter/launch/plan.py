"""Plans: the exact command, environment and logs that an order comes to. Nothing is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aimass_jupyter.contract.errors import Unavailable
from aimass_jupyter.launch.environment import job_environment
from aimass_jupyter.launch.launchers import GangLauncher, Launcher, launcher_of
from aimass_jupyter.launch.order import JobOrder, Order


@dataclass(frozen=True)
class Plan:
    """What to start; ``launcher`` and ``ranks`` are those of a job, None and 0 for a command.

    ``gang`` is the job whose ranks a process that has imported all may fork instead.
    """

    argv: list[str]
    cwd: Path
    environment: Mapping[str, str]
    log: Path
    launcher: Launcher | None = None
    ranks: int = 0
    gang: JobOrder | None = None


def make_plan(order: Order) -> Plan:
    """Work an order out.

    Raises
    ------
    NotFound
        When the job's engine has no launcher.
    Unavailable
        When this environment, which is the job's, cannot use it.
    """
    work, marker = order.work, {order.marker.name: order.marker.value}
    if isinstance(work, JobOrder):
        launcher = launcher_of(work)
        if reason := launcher.missing():
            raise Unavailable(f"engine '{work.engine}' cannot be used here: {reason}")
        argv, extra = launcher.command(work, order.folder)
        environment = job_environment(work.np) | _devices(work) | extra | marker
        log = order.folder / "log" / "launcher.log"
        forks = isinstance(launcher, GangLauncher) and launcher.forks(work)
        gang = work if forks else None
        return Plan(argv, order.folder, environment, log, launcher, work.np, gang)
    return Plan(work.argv, work.cwd, os.environ | work.environment | marker, work.log)


def _devices(work: JobOrder) -> dict[str, str]:
    """What lets its ranks see their own GPUs alone, each by its local rank."""
    if work.devices is None:
        return {}
    return {"CUDA_VISIBLE_DEVICES": ",".join(map(str, work.devices))}
