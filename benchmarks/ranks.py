"""Ranks for benchmarks: real ones of an engine, forked from a process that has imported all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.meeting import meeting
from aimass_jupyter.training.engine import Engine, connect
from aimass_jupyter.training.place import find_place

Work = Callable[[Engine], Any]


def on_ranks(engine: str, size: int, work: Work) -> list[Any]:
    """Do some work on each rank; returns what each gave back, which JSON must be able to hold."""
    with tempfile.TemporaryDirectory() as folder, meeting(engine, size, 0, "bench") as places:
        pids = [
            fork(
                Newborn(f"bench-rank-{rank}", os.environ | place, Path.cwd()),
                partial(_be_rank, engine, work, Path(folder) / f"{rank}.json"),
            )
            for rank, place in enumerate(places)
        ]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        if any(codes):
            raise SystemExit(f"a rank of {engine} failed; exit codes {codes}")
        return [json.loads((Path(folder) / f"{rank}.json").read_text()) for rank in range(size)]


def _be_rank(engine: str, work: Work, answer: Path) -> None:
    import torch

    torch.set_num_threads(1)
    answer.write_text(json.dumps(work(connect(engine, find_place(os.environ)))))
    os._exit(0)  # without the teardown of whatever the peers have started
