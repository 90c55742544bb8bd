"""Whom the others wait for, told from their heartbeats."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from aimass_jupyter.host import Beat
from aimass_jupyter.launch.activity import Activity
from aimass_jupyter.launch.hangs import Look, describe, find_missing, seen_inside
from aimass_jupyter.launch.stacks import collective_in, place_in, waits_in_engine

COMPUTES = """
import sys, time
for _ in sys.stdin:
    until = time.thread_time() + 0.3
    while time.thread_time() < until:
        pass
    print("done", flush=True)
"""


def rank(number: int, entered: int, collective: str = "", *, stopped: bool = False) -> Look:
    return Look(Beat(number, 100 + number, 40, 0.0, entered, 0.0, collective), stopped)


@pytest.mark.parametrize(
    ("looks", "missing"),
    [
        ([rank(0, 7, "sum"), rank(1, 6)], [1]),
        ([rank(0, 7, "sum"), rank(1, 7), rank(2, 7, "sum")], [1]),
        ([rank(0, 7, "sum"), rank(1, 6, "rows"), rank(2, 7, "sum")], [1]),
        ([rank(0, 7, "sum"), rank(1, 7, "sum", stopped=True)], [1]),
        ([rank(0, 7, "sum", stopped=True), rank(1, 5)], [0]),
        ([rank(0, 7, "sum"), rank(1, 7, "sum")], [0, 1]),
        ([rank(0, 7), rank(1, 6)], [0, 1]),
        ([rank(0, 0)], [0]),
    ],
)
def test_the_missing_ranks(looks: list[Look], missing: list[int]) -> None:
    assert [look.beat.rank for look in find_missing(looks)] == missing


def test_it_is_said_in_one_line() -> None:
    looks = [rank(0, 7, "sum of gradients"), rank(1, 6)]
    said = describe(looks, find_missing(looks), {0: "", 1: "train.py:41 in forward"})
    assert said.startswith("sum of gradients of step 41 waits for rank 1 on ")
    assert said.endswith("; rank 1 is at train.py:41 in forward")
    alone = [rank(0, 0)]
    assert describe(alone, alone, {0: "x.py:3 in f"}) == (
        "step 41 does not end; rank 0 is at x.py:3 in f"
    )


def test_stacks_are_told_by_file_line_and_function() -> None:
    stack = """Thread 0x7f (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait

Current thread 0x7e (most recent call first):
  File "/x/site-packages/torch/distributed/c10d_logger.py", line 83 in wrapper
  File "/home/me/train.py", line 12 in forward
  File "/home/me/train.py", line 99 in <module>
"""
    assert place_in(stack) == "train.py:12 in forward"
    assert place_in("") == ""


WAITING = """Thread 0x7f (most recent call first):
  File "/x/threading.py", line 320 in wait

Current thread 0x7e (most recent call first):
  File "/x/site-packages/torch/distributed/distributed_c10d.py", line 32 in all_reduce
  File "/x/site-packages/torch/distributed/c10d_logger.py", line 83 in wrapper
  File "/home/me/train.py", line 9 in <module>
"""
ELSEWHERE = """Current thread 0x7e (most recent call first):
  File "/home/me/train.py", line 12 in prepare
  File "/home/me/train.py", line 99 in <module>
"""


def test_whom_a_script_waits_for_is_told_from_its_stacks() -> None:
    assert collective_in(WAITING) == "all_reduce"
    assert waits_in_engine(WAITING)
    assert collective_in(ELSEWHERE) == ""
    assert not waits_in_engine(ELSEWHERE)
    quiet = [Look(Beat(n, n, -2, 0.0, 0, 0.0, ""), stopped=False) for n in (0, 1)]
    looks = seen_inside(quiet, {0: WAITING, 1: ELSEWHERE})
    missing = find_missing(looks)
    assert [look.beat.rank for look in missing] == [1]
    said = describe(looks, missing, {0: "", 1: place_in(ELSEWHERE)})
    assert said.startswith("all_reduce waits for rank 1 on ")
    assert said.endswith("; rank 1 is at train.py:12 in prepare")


@pytest.fixture
def computing() -> Iterator[tuple[int, Callable[[], None]]]:
    """A process that computes for 0.3 s whenever it is asked to, and does nothing else."""
    with subprocess.Popen(
        [sys.executable, "-c", COMPUTES], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        to, of = process.stdin, process.stdout

        def compute() -> None:
            to.write(b"\n")
            to.flush()
            assert of.readline() == b"done\n"

        compute()  # it has read what it is made of
        yield process.pid, compute
        to.close()


def test_a_process_is_active_while_it_computes_and_does_not_only_poll(
    computing: tuple[int, Callable[[], None]],
) -> None:
    """With a clock of our own: seconds are what we say they are."""
    pid, compute = computing
    activity = Activity(1.0)
    assert activity.last(pid, 0.0, lambda: False) == 0.0
    compute()
    assert activity.last(pid, 0.5, lambda: False) == 0.0  # too soon to look again
    assert activity.last(pid, 1.0, lambda: False) == 1.0
    compute()
    assert activity.last(pid, 2.0, lambda: True) == 1.0  # it computed because it waited
    assert activity.last(pid, 1000.0, lambda: False) == 1.0  # next to nothing in so long
