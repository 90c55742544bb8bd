"""Horovod's ranks met before their job: nobody can tell, and settings that come late are kept."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from aimass_jupyter.launch.met_early import agreements
from tests.launch.conftest import PATIENCE_SECONDS, require

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys, time
from functools import partial
from pathlib import Path
from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.meeting import meeting
from aimass_jupyter.launch.met_early import agreements, meet_early
from aimass_jupyter.launch.rehearsal import rehearse
from aimass_jupyter.training import own_code, rank
import horovod.torch as hvd, torch

def work(agreement):
    meet_early(agreement, partial(rehearse, "horovod"))
    said = {{"rank": int(os.environ["HOROVOD_RANK"]), "before": hvd.is_initialized()}}
    def ask(name, do):
        try:
            said[name] = do()
        except ValueError as error:
            said[name] = str(error)
    {work}
    os.write(1, (json.dumps(said) + "\\n").encode())  # in one piece: both have the same pipe

with meeting("horovod", 2, 0, "test") as places:
    ends = agreements(2)
    pids = [
        fork(Newborn("rank", os.environ | place, Path.cwd(), keep=ends[n].descriptors, bound=True),
             lambda: work(ends[n]))
        for n, place in enumerate(places)
    ]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert codes == [0, 0], codes
"""
SUM = "ask('sum', lambda: float(hvd.allreduce(torch.tensor([1.0 + hvd.rank()]), op=hvd.Sum)))"


def said_by_ranks(*lines: str) -> list[dict[str, object]]:
    """What each rank says after it has done these lines."""
    require("horovod")
    work = textwrap.indent("\n".join(lines), "    ").strip()
    program = [sys.executable, "-c", PROGRAM.format(work=work)]
    done = subprocess.run(
        program, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return sorted(said, key=lambda one: str(one["rank"]))


def test_before_init_it_is_as_if_they_had_not_met() -> None:
    said = said_by_ranks(
        "ask('asked', hvd.rank)", "ask('gloo', hvd.gloo_built)", "hvd.shutdown()",
        "hvd.init()", "ask('after', hvd.is_initialized)", "ask('size', hvd.size)", SUM,
        "hvd.shutdown()", "ask('ended', hvd.is_initialized)",
    )  # fmt: skip
    for number, one in enumerate(said):
        assert one["before"] is False
        assert one["asked"] == "Horovod has not been initialized; use hvd.init()."
        assert one["gloo"]
        assert one["after"] is True
        assert (one["rank"], one["size"], one["sum"]) == (number, 2, 3.0)
        assert one["ended"] is False


def test_settings_that_one_of_them_makes_count() -> None:
    said = said_by_ranks(
        "if said['rank'] == 0: os.environ['HOROVOD_CYCLE_TIME'] = '200'",
        "hvd.init()", SUM, "began = time.monotonic()", *[SUM] * 5,
        "said['took'] = time.monotonic() - began",
    )  # fmt: skip
    assert [one["sum"] for one in said] == [3.0, 3.0]
    assert all(float(str(one["took"])) > 0.5 for one in said), "by default it takes 0.01 s"


def test_process_sets_are_made_as_ever() -> None:
    said = said_by_ranks(
        "alone = hvd.ProcessSet([0])", "hvd.init(process_sets=[alone])",
        "ask('id', lambda: alone.process_set_id)", SUM,
    )  # fmt: skip
    assert [one["id"] for one in said] == [1, 1]
    assert [one["sum"] for one in said] == [3.0, 3.0]


def test_who_agrees_with_one_that_has_ended_is_told_so() -> None:
    ours, theirs = agreements(2)
    theirs.close()
    assert not ours.agree(same=True)
    ours.close()
