"""The gang: the ranks of a job on this host, forked from one process that has imported all.

``python -m aimass_jupyter.launch.gang FOLDER`` imports, then forks; a warm launcher's fork leads
its gang without importing anything. ``FOLDER/ranks.json`` says who the ranks are and how they
ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aimass_jupyter.host import write_record
from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.launchers import GANG_RECORD, RankExit
from aimass_jupyter.launch.marking import marked
from aimass_jupyter.launch.meeting import meeting
from aimass_jupyter.launch.order import JobOrder, Order, read_job
from aimass_jupyter.launch.preload import preload, use_threads
from aimass_jupyter.launch.restarts import Restarts

_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class GangOrder:
    """A job for a gang: what it is, where, and the environment that each rank begins with."""

    work: JobOrder
    folder: Path
    environment: Mapping[str, str]


def lead(order: GangOrder, first: Callable[[], list[RankExit]] | None = None) -> int:
    """Run the job's ranks, again when they fail and may be restarted.

    Parameters
    ----------
    first
        The first attempt, where its ranks are there already; it gives those that failed.

    Returns
    -------
    int
        0, or the exit code of the rank that failed first in the last attempt.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # to be waited for with a limit
    restarts = Restarts(order.folder, order.work)
    attempt = first or partial(run_gang, order, 0)
    while exits := attempt():
        ranks = restarts.next_np(order.work.np, exits)
        if ranks is None:
            return shell_code(exits[0].code)
        order = replace(order, work=replace(order.work, np=ranks))
        attempt = partial(run_gang, order, restarts.count)
    return 0


def fork_gang(
    work: JobOrder, order: Order, environment: Mapping[str, str], output: int
) -> int:  # fmt: skip
    """Fork the process that leads a gang, from one that has imported all; returns its pid.

    Parameters
    ----------
    output
        Descriptor that takes what it says.
    """
    newborn = Newborn("aimass-gang", environment, order.folder, keep={output})
    gang = GangOrder(work, order.folder, environment)
    with marked(order.marker):
        return fork(newborn, partial(_be_gang, gang, output))


def _be_gang(gang: GangOrder, output: int) -> int:
    begin_gang(gang, output)
    return lead(gang)


def begin_gang(gang: GangOrder, output: int) -> None:
    """Have what this process says in the job's log, and say first how the job starts."""
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    _say_start(gang.work, "warm")


def run_gang(order: GangOrder, attempt: int) -> list[RankExit]:
    """Fork the ranks and wait for all of them; when one fails, the others are ended.

    Returns
    -------
    list of RankExit
        The ranks that failed, the first one first; empty when all did well.
    """
    work = order.work
    with meeting(work.engine, work.np, attempt, work.id) as places:
        ranks = {fork_rank(order, number, place): number for number, place in enumerate(places)}
        return attend(order.folder, attempt, ranks)


def attend(folder: Path, attempt: int, ranks: Mapping[int, int]) -> list[RankExit]:
    """Look after the ranks of an attempt to their end; gives those that failed."""
    record_ranks(folder, attempt, ranks, [])
    exits = wait_for_ranks(ranks)
    record_ranks(folder, attempt, ranks, exits)
    return exits


def fork_rank(order: GangOrder, number: int, place: Mapping[str, str]) -> int:
    """Fork a rank; ``place`` is what its environment says of its place. Returns its pid."""
    environment = {**order.environment, **place}
    newborn = Newborn(f"aimass-rank-{number}", environment, order.folder)
    be = be_rank if order.work.trains else be_worker
    return fork(newborn, partial(be, order.folder))


def be_worker(folder: Path) -> None:
    """Do work of the queue that is no training."""
    from aimass_jupyter.work import program

    use_threads(int(os.environ["OMP_NUM_THREADS"]))
    program.main(folder)


def be_rank(folder: Path, *, told: bool = False) -> None:
    """Be a rank of the job in a folder; the environment says which.

    ``told`` says that somebody else records what is installed.
    """
    from aimass_jupyter.training import rank

    use_threads(int(os.environ["OMP_NUM_THREADS"]))
    sys.argv = [str(rank.__file__), str(folder)]
    rank.main(folder, told=told)


def wait_for_ranks(ranks: Mapping[int, int]) -> list[RankExit]:
    """Collect every rank. The first that fails has the others told to end, then made to."""
    left, exits, deadline = set(ranks), list[RankExit](), None
    while left:
        pid, code = _next_end(deadline)
        if not pid:
            _signal(left, signal.SIGKILL)
        if pid not in left:
            continue
        left.discard(pid)
        if code:
            exits.append(RankExit(ranks[pid], code))
        if code and deadline is None:
            deadline = time.monotonic() + _GRACE_SECONDS
            _signal(left, signal.SIGTERM)
    return exits


def _next_end(deadline: float | None) -> tuple[int, int]:
    """Wait for a child to end: its pid and exit code; 0 and 0 when it is too late."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            return pid, os.waitstatus_to_exitcode(status)
        if deadline is None:
            signal.sigwait({signal.SIGCHLD})
        elif not signal.sigtimedwait({signal.SIGCHLD}, max(0.0, deadline - time.monotonic())):
            return 0, 0


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)  # a child that nobody else collects: its pid is its own


def record_ranks(
    folder: Path, attempt: int, ranks: Mapping[int, int], exits: list[RankExit]
) -> None:  # fmt: skip
    """Say who the ranks are and how they ended; a disk that is full does not end a job."""
    record = {
        "attempt": attempt,
        "pids": list(ranks),
        "exits": [{"rank": ended.rank, "code": ended.code} for ended in exits],
    }
    try:
        write_record(folder / GANG_RECORD, record)
    except OSError as full:
        print(f"{GANG_RECORD} could not be written: {full}", file=sys.stderr)


def _say_start(work: JobOrder, start: str) -> None:
    ranks = "1 rank" if work.np == 1 else f"{work.np} ranks"
    print(f"{start} start: {ranks} on {work.engine}", flush=True)


def shell_code(code: int) -> int:
    """An exit code as a shell gives it: 128 more for a signal."""
    return code if code >= 0 else 128 - code


def main(folder: Path) -> int:
    """Import, then run the job of a folder."""
    environment = dict(os.environ)
    work = read_job(folder)
    _say_start(work, "cold")
    preload(work.engine, own_code=work.own_code)
    return lead(GangOrder(work, folder, environment))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
