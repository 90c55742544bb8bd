"""Causes, from evidence of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.contract.jobs import Cause as Told
from aimass_jupyter.host import write_record
from aimass_jupyter.launch.causes import Cause, Evidence, find_cause, oom_kills
from aimass_jupyter.launch.launchers import RankExit, signal_name

LOG = ["Traceback (most recent call last):", "  File ...", "KeyError: 'price'"]


def judge(folder: Path, **known: Any) -> Cause:
    evidence: dict[str, Any] = {
        "code": 1, "stopped": None, "oom_kills": 0, "exits": [], "last_lines": lambda rank: LOG,
    }  # fmt: skip
    cause = find_cause(Evidence(folder, **(evidence | known)))
    Told.model_validate(cause.as_record())
    return cause


def say(folder: Path, rank: int, time: float, message: str, disconnected: bool = False) -> None:
    record = {
        "rank": rank, "type": "ValueError", "message": message, "time": time, "host": "here",
        "disconnected": disconnected,
    }  # fmt: skip
    write_record(folder / f"failure-rank-{rank}.json", record)


def test_a_stop_comes_before_all_else(tmp_path: Path) -> None:
    say(tmp_path, 0, 1.0, "wrong")
    assert judge(tmp_path, stopped=Cause("stopped", "stopped by ada")).message == "stopped by ada"


def test_the_first_to_speak_is_the_cause(tmp_path: Path) -> None:
    say(tmp_path, 0, 2.0, "second")
    say(tmp_path, 1, 1.0, "first")
    cause = judge(tmp_path)
    assert (cause.code, cause.rank, cause.message) == ("error", 1, "first")


def test_losing_the_others_is_never_the_cause_when_one_says_more(tmp_path: Path) -> None:
    say(tmp_path, 0, 1.0, "the others are gone", disconnected=True)
    say(tmp_path, 1, 2.0, "the reason")
    assert judge(tmp_path).message == "the reason"


def test_a_silent_death_explains_the_lost_connection(tmp_path: Path) -> None:
    say(tmp_path, 0, 1.0, "the others are gone", disconnected=True)
    cause = judge(tmp_path, exits=[RankExit(0, 1), RankExit(1, 137)])
    assert (cause.code, cause.rank, cause.message) == ("signal", 1, "rank 1 SIGKILL")


def test_a_rank_that_was_ended_after_another_failed_is_not_the_cause(tmp_path: Path) -> None:
    say(tmp_path, 0, 1.0, "the reason")
    assert judge(tmp_path, exits=[RankExit(0, 1), RankExit(1, -9)]).message == "the reason"


def test_the_terminated_come_after_the_killed(tmp_path: Path) -> None:
    assert judge(tmp_path, exits=[RankExit(0, -15), RankExit(1, -11)]).message == "rank 1 SIGSEGV"
    assert judge(tmp_path, exits=[RankExit(0, 143)]).message == "rank 0 SIGTERM"


def test_lost_connection_is_told_when_nothing_else_is_known(tmp_path: Path) -> None:
    say(tmp_path, 0, 1.0, "the others are gone", disconnected=True)
    assert judge(tmp_path).message == "the others are gone"


def test_who_leaves_before_the_others_is_named(tmp_path: Path) -> None:
    write_record(tmp_path / "ranks.json", {"pids": [11, 12], "exits": []})
    say(tmp_path, 0, 1.0, "the connection broke", disconnected=True)
    cause = judge(tmp_path, exits=[RankExit(0, 1), RankExit(1, -15)])
    assert cause.message.startswith("rank 1 has ended, and rank 0 waited for it")
    assert cause.rank == 1


def test_who_ends_itself_without_a_word_is_named(tmp_path: Path) -> None:
    say(tmp_path, 0, 1.0, "the connection broke", disconnected=True)
    cause = judge(tmp_path, exits=[RankExit(0, 1), RankExit(1, 3)])
    assert (cause.message, cause.rank) == ("rank 1 ended with exit code 3", 1)
    silent = judge(tmp_path / "silent", exits=[RankExit(2, 3), RankExit(0, -15)])
    assert (silent.message, silent.rank) == ("rank 2 ended with exit code 3", 2)


def test_a_kill_with_a_counted_one_for_memory(tmp_path: Path) -> None:
    cause = judge(tmp_path, exits=[RankExit(1, 137)], oom_kills=1)
    assert (cause.code, cause.rank) == ("out-of-memory", 1)
    assert judge(tmp_path, exits=[RankExit(1, -11)], oom_kills=1).code == "signal"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MemoryError", "out-of-memory"),
        ("torch.OutOfMemoryError: CUDA out of memory", "out-of-memory"),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried", "out-of-memory"),
        ("OSError: [Errno 28] No space left on device: 'x'", "disk-full"),
        ("KeyError: 'price'", "error"),
    ],
)
def test_the_log_tells_when_nobody_spoke(tmp_path: Path, line: str, code: str) -> None:
    cause = judge(tmp_path, last_lines=lambda rank: ["noise", line, "and a word after it"])
    assert (cause.code, cause.message) == (code, line)


def test_without_a_word_the_exit_code_is_told(tmp_path: Path) -> None:
    assert (
        judge(tmp_path, code=7, last_lines=lambda rank: []).message == "it ended with exit code 7"
    )


def test_signals_by_their_codes() -> None:
    assert [signal_name(code) for code in (-9, 137, 143, 0, 1, 255, None)] == [
        "SIGKILL", "SIGKILL", "SIGTERM", None, None, None, None,
    ]  # fmt: skip


def test_the_memory_counter_can_be_read() -> None:
    assert oom_kills() >= 0
