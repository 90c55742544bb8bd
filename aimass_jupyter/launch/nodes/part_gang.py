"""The gang of a part: ``python -m aimass_jupyter.launch.nodes.part_gang FOLDER``.

It runs the ranks that are on this node, once; whether they are started again is the leader's to
say, who knows of all nodes.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from aimass_jupyter.host import read_record
from aimass_jupyter.launch.gang import (
    GangOrder,
    fork_rank,
    record_ranks,
    shell_code,
    wait_for_ranks,
)
from aimass_jupyter.launch.nodes.part import Part, meet
from aimass_jupyter.launch.order import read_job
from aimass_jupyter.launch.preload import preload


def main(folder: Path) -> int:
    """Import, meet, fork, wait; 0, or the exit code of the rank that failed first."""
    environment = dict(os.environ)
    work = read_job(folder)
    part = Part.from_record((read_record(folder / "spec.json") or {})["part"])
    preload(work.engine, own_code=work.own_code)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # to be waited for with a limit
    order = GangOrder(work, folder, environment)
    with meet(part, work.engine, work.id, folder) as places:
        numbered = zip(part.ranks, places, strict=True)
        ranks = {fork_rank(order, number, place): number for number, place in numbered}
        record_ranks(folder, part.attempt, ranks, [])
        exits = wait_for_ranks(ranks)
    record_ranks(folder, part.attempt, ranks, exits)
    return shell_code(exits[0].code) if exits else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
