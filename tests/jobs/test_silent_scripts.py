"""Scripts that hang before they have told anything: who is missing is named all the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aimass_jupyter.client import Client

HOROVOD = """
import time, torch, horovod.torch as engine
engine.init()
def prepare():
    if engine.rank() == 1:
        time.sleep(100_000)
prepare()
engine.allreduce(torch.ones(3))
"""
TORCHRUN = """
import time, torch, torch.distributed as engine
engine.init_process_group("gloo")
def prepare():
    if engine.get_rank() == 1:
        time.sleep(100_000)
prepare()
engine.all_reduce(torch.ones(3))
"""


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize(
    ("engine", "text", "inside"),
    [("horovod", HOROVOD, "synchronize"), ("torchrun", TORCHRUN, "all_reduce")],
)
def test_a_rank_that_sleeps_before_the_first_exchange_is_named(
    client: Client, tmp_path: Path, engine: str, text: str, inside: str
) -> None:
    script = tmp_path / "waits.py"
    script.write_text(text)
    job = client.train(script, np=2, engine=engine, stall_seconds=5)
    ended = client.wait(job.id)
    assert ended.state == "failed"
    assert ended.cause is not None
    assert ended.cause.code == "stalled", ended.cause
    assert ended.cause.rank == 1
    said = rf"{inside} waits for rank 1 on \S+; rank 1 is at waits.py:6 in prepare"
    assert re.fullmatch(said, ended.cause.message), ended.cause
    assert ended.cause.last_lines[-1].endswith('waits.py", line 6 in prepare')
    assert "aimass_jupyter/launch" not in "".join(ended.cause.last_lines)
