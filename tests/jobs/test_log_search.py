"""Logs from any byte, searched, and a flood of them that hurts nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Job
from aimass_server.jobs import logs
from aimass_server.jobs.log_search import Search
from tests.conftest import Server

LINES = [f"epoch {n}: loss {1 / (n + 1):.3f} ✓" for n in range(500)]
CAP_BYTES = 200_000
FLOOD = """
import sys
line = "y" * 63 + "\\n"
for _ in range(1000):
    sys.stdout.write(line * 1024)
print("THE END")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "rank-0.log").write_text("".join(f"{line}\n" for line in LINES))
    (tmp_path / "log" / "rank-1.log").write_text("Epoch 7\nKilled")
    return tmp_path


def found(folder: Path, search: Search, rank: int | None = None, limit: int = 100_000) -> str:
    """All that a search finds, followed by its cursor to the end."""
    positions: logs.Positions = {}
    parts = []
    while True:
        text, after = logs.find(folder, positions, rank, limit, search, final=True)
        parts.append(text)
        if after == positions:
            return "".join(parts)
        positions = after


def test_each_line_that_is_found_says_where_it_begins(folder: Path) -> None:
    text = found(folder, Search("epoch 42:"))
    match = re.fullmatch(r"\[0 @(\d+)\] (.*)\n", text)
    assert match is not None
    assert match[2] == LINES[42]
    again = logs.begin_at(folder, 0, int(match[1]))
    assert logs.read(folder, again, 0, 30, final=True)[0].startswith("epoch 42:")


@pytest.mark.parametrize("limit", [1, 50, 100_000])
def test_a_search_in_small_answers_finds_each_line_once(folder: Path, limit: int) -> None:
    numbers = re.findall(r"epoch (\d+)", found(folder, Search("epoch"), rank=0, limit=limit * 40))
    assert [int(number) for number in numbers] == list(range(500))


def test_case_expressions_and_the_last_line_without_an_end(folder: Path) -> None:
    assert found(folder, Search("epoch 7", ignore_case=True)).count("\n") == 12
    assert found(folder, Search(r"^epoch 4\d\d: .*0\.002", regex=True)).count("\n") > 50
    assert found(folder, Search("Killed")) == "[1 @8] Killed\n"
    assert found(folder, Search("epoch (")) == ""


def test_what_is_no_expression_or_never_ends_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidRequest, match="is no regular expression"):
        found(folder, Search("epoch (", regex=True))
    (folder / "log" / "rank-0.log").write_text("a" * 60 + "!\n")
    with pytest.raises(InvalidRequest, match="was not done"):
        found(folder, Search("(a+)+$", regex=True, seconds_left=1.0))


class OutOfTime(Search):
    """One whose time is spent as soon as it has looked at something."""

    def filter(self, lines: list[str]) -> list[bool]:
        chosen = super().filter(lines)
        self.seconds_left = 0.0
        return chosen


def test_a_log_too_long_for_one_answer_is_searched_in_several(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    lines = [f"{n:07} {'y' * 50}\n" for n in range(40_000)]
    (tmp_path / "log" / "rank-0.log").write_text("".join(lines))
    reached: list[logs.Positions] = [{}]
    numbers: list[str] = []
    while len(reached) < 2 or reached[-1] != reached[-2]:
        search = OutOfTime(r"000 y", regex=True, seconds_left=60.0)
        text, after = logs.find(tmp_path, reached[-1], None, 1 << 20, search, final=True)
        numbers += re.findall(r"\] (\d+) y", text)
        reached.append(after)
    assert numbers == [f"{n:07}" for n in range(0, 40_000, 1000)]
    assert len(reached) > 4  # a piece in each answer, and one that finds nothing more


def test_a_byte_within_a_line_is_moved_on_to_the_next(folder: Path) -> None:
    def first(offset: int) -> str:
        at = logs.begin_at(folder, 0, offset)
        return logs.read(folder, at, 0, 1000, final=True)[0].partition("\n")[0]

    size = (folder / "log" / "rank-0.log").stat().st_size
    assert first(0) == first(-(10**9)) == LINES[0]
    assert first(1) == first(len(LINES[0].encode()) + 1) == LINES[1]
    assert first(-5) == "" == first(10**9)
    assert first(-len(LINES[-1].encode()) - 2) == LINES[-1]
    assert logs.begin_at(folder, 0, -1) == {0: size}


def test_a_byte_of_no_log_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidRequest, match="of which log"):
        logs.begin_at(folder, None, 5)
    with pytest.raises(InvalidRequest, match="no log of rank 9"):
        logs.begin_at(folder, 9, 5)


def test_a_search_through_the_door(client: Client, trained: Job) -> None:
    chunk = client.jobs.logs(trained.id, grep="EPOCH 3/", ignore_case=True)
    assert re.match(r"\[0 @\d+\] epoch 3/5", chunk.text)
    tail = client.jobs.logs(trained.id, rank=0, from_byte=-200).text
    whole = client.jobs.logs(trained.id, rank=0, limit_bytes=1_000_000).text
    assert tail
    assert whole.endswith(tail)
    with pytest.raises(InvalidRequest, match="of which log"):
        client.jobs.logs(trained.id, from_byte=0)
    with pytest.raises(InvalidRequest, match=f"has no rank {trained.np}"):
        client.jobs.logs(trained.id, rank=trained.np)


@pytest.fixture
def small_logs(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    server.start(f"--AimassApp.log_bytes={CAP_BYTES}")
    yield server
    server.stop_everything()


@pytest.mark.slow
def test_a_flood_is_cut_and_says_so(small_logs: Server, tmp_path: Path) -> None:
    """64 MB of output: disk and the server's memory stay small, and the job ends well."""
    script = tmp_path / "flood.py"
    script.write_text(FLOOD)
    with small_logs.client() as client:
        assert small_logs.process is not None
        server = psutil.Process(small_logs.process.pid)
        before = server.memory_info().rss
        ended = client.wait(client.jobs.submit(source=script, name="flood").id)
        assert ended.state == "succeeded", ended.cause
        log = small_logs.folder / "jobs" / ended.id / "log" / "rank-0.log"
        assert CAP_BYTES <= log.stat().st_size < CAP_BYTES + 200
        text = client.jobs.logs(ended.id, rank=0, from_byte=-200).text
        assert f"log cut here: it reached {CAP_BYTES} bytes" in text
        assert any("the log of rank-0 was cut" in warning for warning in ended.warnings)
        assert server.memory_info().rss - before < 64 << 20
