"""Logs: kept up to the cap, whole up to there, and remembered at the end."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.launch.logs import TAIL_LINES, CappedLog, ProcessLogs


@given(parts=st.lists(st.binary(max_size=60), max_size=20), cap=st.integers(1, 300))
def test_what_is_kept_is_a_beginning_of_what_was_said(
    tmp_path_factory: object, parts: list[bytes], cap: int
) -> None:
    path = Path(os.path.realpath(tmp_path_factory.mktemp("log"))) / "x.log"  # type: ignore[attr-defined]
    log = CappedLog(path, cap)
    for part in parts:
        log.write(part)
    log.close()
    said, kept = b"".join(parts), path.read_bytes()
    if len(said) <= cap:
        assert kept == said
    else:
        assert kept.startswith(said[:cap])
        assert kept.count(b"[aimass] log cut here") == 1 + said[:cap].count(b"[aimass] log cut")
        assert len(kept) < cap + 100
    assert log.tail == said.decode(errors="replace")


def test_a_log_that_was_begun_is_gone_on_with(tmp_path: Path) -> None:
    for part in (b"one\n", b"two\n"):
        log = CappedLog(tmp_path / "x.log", 6)
        log.write(part)
        log.close()
    assert (tmp_path / "x.log").read_text().startswith("one\ntw\n[aimass] log cut here")


def test_the_last_lines_outlive_the_cap(tmp_path: Path) -> None:
    log = CappedLog(tmp_path / "x.log", 10)
    log.write(b"".join(b"line %d\n\n" % number for number in range(100)) + b"x" * 900)
    log.close()
    lines = log.last_lines()
    assert len(lines) == TAIL_LINES
    assert lines[0] == "line 81"
    assert lines[-1] == "x" * 500


def test_a_full_disk_costs_the_log_and_not_the_writer() -> None:
    log = CappedLog(Path("/dev/full"))
    log.write(b"lost on disk\n")
    assert log.last_lines() == ["lost on disk"]
    log.close()


def test_what_a_full_disk_did_not_take_is_written_when_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CappedLog(tmp_path / "x.log")
    log.write(b"before\n")
    with monkeypatch.context() as full:
        full.setattr("os.write", _no_space)
        log.write(b"meanwhile\n")
    log.write(b"after\n")
    log.close()
    assert (tmp_path / "x.log").read_text() == "before\nmeanwhile\nafter\n"


def test_what_was_too_much_to_hold_is_told_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CappedLog(tmp_path / "x.log")
    with monkeypatch.context() as full:
        full.setattr("os.write", _no_space)
        log.write(b"x" * (1 << 18))
        log.write(b"y" * 77)
    log.close()
    text = (tmp_path / "x.log").read_text()
    assert text.count("x") == 1 << 18
    assert text.endswith("\n[aimass] 77 bytes are missing here: the disk was full\n")


def _no_space(descriptor: int, content: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_ranks_write_into_pipes_by_name(tmp_path: Path) -> None:
    logs = ProcessLogs(tmp_path / "log" / "launcher.log", ranks=2)
    logs.start()
    writers = [
        threading.Thread(target=say, args=(tmp_path / "log" / f"rank-{rank}.pipe", rank))
        for rank in range(2)
    ]
    os.write(logs.descriptor, b"launching\n")
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    logs.close()
    for rank in range(2):
        said = (tmp_path / "log" / f"rank-{rank}.log").read_text()
        assert said == f"rank {rank}\n" * 50_000
        assert logs.of(rank)[-1] == f"rank {rank}"
    assert logs.of(None) == ["launching"]
    assert sorted(path.suffix for path in (tmp_path / "log").iterdir()) == [".log"] * 3


def say(pipe: Path, rank: int) -> None:
    with pipe.open("w") as file:
        file.write(f"rank {rank}\n" * 50_000)


def test_a_silent_rank_shows_the_launchers_end(tmp_path: Path) -> None:
    logs = ProcessLogs(tmp_path / "log" / "launcher.log", ranks=1)
    os.write(logs.descriptor, b"no such module\n")
    logs.close()
    assert logs.of(0) == ["no such module"]
