"""Which control plane is meant: what was said outright before what lies about."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from aimass_jupyter.client import discovery
from aimass_jupyter.client.client import connect
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.client.starting import up
from aimass_jupyter.contract.errors import Unauthenticated, Unavailable
from tests.conftest import Server

ELSEWHERE = "http://elsewhere.test:8888/base"


@pytest.fixture(autouse=True)
def _surroundings(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIMASS_URL", "AIMASS_TOKEN", "AIMASS_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIMASS_DATA", str(server.folder))


def test_an_address_given_with_its_token_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMASS_URL", ELSEWHERE + "/")
    monkeypatch.setenv("AIMASS_TOKEN", "theirs")
    assert discovery.find() == Address(ELSEWHERE, "theirs")


def test_a_token_file_goes_with_wherever_the_owner_of_the_folder_is_now(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "token"
    kept.write_text("mine\n")
    monkeypatch.setenv("AIMASS_URL", ELSEWHERE)
    monkeypatch.setenv("AIMASS_TOKEN_FILE", str(kept))
    assert discovery.find() == Address(server.url, "mine")
    monkeypatch.setenv("AIMASS_DATA", str(tmp_path))  # nobody owns it
    assert discovery.find() == Address(ELSEWHERE, "mine")


def test_a_token_alone_goes_to_the_owner_of_the_folder(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMASS_TOKEN", "mine")
    assert discovery.find() == Address(server.url, "mine")


def test_an_address_alone_lets_nobody_in_and_no_other_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIMASS_URL", ELSEWHERE)
    with pytest.raises(Unauthenticated, match=f"AIMASS_URL names {ELSEWHERE}") as raised:
        connect()
    assert "AIMASS_TOKEN" in raised.value.hint


def test_a_data_folder_that_cannot_be_made_is_a_line_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AIMASS_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(Unavailable, match="file/data cannot be used: Not a directory") as raised:
        connect()
    assert "AIMASS_DATA" in raised.value.hint


def test_a_process_that_may_open_nothing_more_does_not_blame_the_data_folder(
    tmp_path: Path,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(Unavailable, match="be started: Too many open files") as raised:
            up(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "ulimit" in raised.value.hint
