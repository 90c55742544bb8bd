"""Reading logs: whole lines while a job runs, the rest of it once it has ended."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.views import as_text
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.table import API_ROOT
from aimass_server.jobs import logs
from tests.conftest import Server

LAST = "Killed"


def test_a_line_without_an_end_is_read_once_nothing_can_follow(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "rank-0.log").write_text(f"epoch 1\n{LAST}")
    text, after = logs.read(tmp_path, {}, 0, 1000, final=False)
    assert text == "epoch 1\n"
    text, after = logs.read(tmp_path, after, 0, 1000, final=True)
    assert text == LAST
    assert logs.read(tmp_path, after, 0, 1000, final=True) == ("", after)


def test_what_is_longer_than_the_limit_comes_by_whole_lines_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    whole = "".join(f"line {n}\n" for n in range(50)) + LAST
    (tmp_path / "log" / "rank-0.log").write_text(whole)
    parts, after = [], {0: 0}
    while after[0] < len(whole):
        assert logs.goes_on(tmp_path, after, 0, final=True)
        text, after = logs.read(tmp_path, after, 0, 40, final=True)
        assert text.endswith("\n") or text == LAST
        parts.append(text)
    assert "".join(parts) == whole
    assert not logs.goes_on(tmp_path, after, None, final=True)
    assert not logs.goes_on(tmp_path, {0: len(whole) - len(LAST)}, 0, final=False)


@pytest.mark.parametrize("limit", [2, 7, 100])
def test_a_letter_is_not_cut_where_a_line_without_an_end_is(tmp_path: Path, limit: int) -> None:
    (tmp_path / "log").mkdir()
    line = "é漢✓a𝄞" * 40
    (tmp_path / "log" / "rank-0.log").write_text(line)
    positions: logs.Positions = {}
    parts = []
    while (part := logs.read(tmp_path, positions, 0, limit, final=True))[1] != positions:
        parts.append(part[0])
        positions = part[1]
    assert ("".join(parts) == line) is (limit > 3)  # fewer bytes than a letter has: it is cut


def test_a_part_of_a_log_says_how_to_get_the_rest(client: Client, trained: Job) -> None:
    part = client.jobs.logs(trained.id, rank=0, limit_bytes=100)
    assert part.more
    assert as_text(part).endswith(f"… more: --cursor {part.cursor}")
    whole = client.jobs.logs(trained.id, rank=0)
    assert not whole.more
    assert whole.text.startswith(part.text)
    assert "… more" not in as_text(whole)


def test_the_last_words_of_a_job_are_shown(server: Server, client: Client, trained: Job) -> None:
    path = server.folder / "jobs" / trained.id / "log" / "rank-0.log"
    with path.open("a") as log:
        log.write(LAST)
    assert client.jobs.logs(trained.id, rank=0, limit_bytes=1_000_000).text.endswith(LAST)
    updates = list(client.updates(trained.id))
    assert f"[0] {LAST}\n" in "".join(update.log for update in updates)
    assert updates[-1].end


@pytest.mark.parametrize("offset", [str(10**20), str(2**63), "-1"])
def test_an_offset_that_no_file_has_is_refused(offset: str) -> None:
    with pytest.raises(InvalidRequest, match="is not one of ours"):
        logs.parse_cursor(f"0={offset}")


def test_an_offset_that_no_file_has_is_the_askers_fault(server: Server, trained: Job) -> None:
    answer = httpx.get(
        f"{server.url}{API_ROOT}/jobs/{trained.id}/logs",
        params={"cursor": f"0={10**20}"},
        headers={"Authorization": f"Bearer {server.token}"},
    )
    assert answer.status_code == 422
