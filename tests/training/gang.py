"""Ranks of real engines, forked from one process that has imported all; a program for tests.

``python -m tests.training.gang MODULE:FUNCTION ENGINE SIZE [ARGUMENT…]`` calls the function on each
rank with its engine and the arguments, and says on stdout how each rank ended.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.meeting import meeting
from aimass_jupyter.training.engine import connect
from aimass_jupyter.training.place import find_place

SECONDS = 240


def main(what: str, engine: str, size: int, arguments: list[str]) -> None:
    torch.set_num_threads(1)
    module, name = what.split(":")
    work = getattr(importlib.import_module(module), name)
    with meeting(engine, size, 0, "test") as places:
        pids = [
            fork(Newborn(f"rank-{rank}", os.environ | place, Path.cwd()),
                 lambda: work(connect(engine, find_place(os.environ)), *arguments))
            for rank, place in enumerate(places)
        ]  # fmt: skip
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    print("ended: " + json.dumps(codes), flush=True)


def run_gang(work: Any, engine: str, size: int, *arguments: str) -> tuple[list[int], str]:
    """Run a function of a test module on each rank; the exit codes, and all that they said."""
    what = f"{work.__module__}:{work.__name__}"
    program = [sys.executable, "-m", "tests.training.gang", what, engine, str(size), *arguments]
    done = subprocess.run(
        program, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    *said, ended = done.stdout.splitlines() or [""]
    assert ended.startswith("ended: "), done.stdout
    return json.loads(ended.removeprefix("ended: ")), "\n".join(said)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
