"""The log of a published notebook: whole, by pieces, after its end, for its owner alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import Forbidden, InvalidRequest
from aimass_server.publishing import logs
from aimass_server.publishing.version import Version

WriteNotebook = Callable[..., Path]


@pytest.fixture
def version(tmp_path: Path) -> Version:
    """A version that has ended; its log is kept."""
    version = Version(tmp_path / "service", 1)
    version.last_log.mkdir(parents=True)
    return version


def test_a_log_is_read_by_pieces_of_whole_lines(version: Version) -> None:
    lines = [f"line {number} ä\n" for number in range(50)]
    (version.last_log / "process.log").write_text("".join(lines) + "the end")
    told, cursor, end = "", "", False
    while not end:
        piece = logs.read(version, cursor, 40)
        assert len(piece.text.encode()) <= 40
        assert piece.text.endswith(("\n", "the end"))
        told, cursor, end = told + piece.text, piece.cursor, piece.end
    assert told == "".join(lines) + "the end"
    assert logs.read(version, cursor, 40).text == ""


def test_a_line_longer_than_the_limit_is_cut_and_a_newer_log_is_told_whole(
    version: Version,
) -> None:
    path = version.last_log / "process.log"
    path.write_text("x" * 100)
    piece = logs.read(version, "", 30)
    assert (piece.text, piece.end) == ("x" * 30, False)
    newer = path.with_name("newer.log")
    newer.write_text("a new start\n")
    newer.replace(path)
    assert logs.read(version, piece.cursor, 30).text == "a new start\n"


def test_what_is_no_cursor_is_refused_and_no_log_is_empty(version: Version) -> None:
    with pytest.raises(InvalidRequest, match="cursor '12;34' is not one of ours"):
        logs.read(version, "12;34", 100)
    assert logs.read(version, "", 100).text == ""


@pytest.mark.slow
def test_the_owner_reads_what_the_kernels_wrote_and_a_viewer_does_not(
    client: Client, notebook: WriteNotebook
) -> None:
    said = notebook("import os\nos.write(2, b'said by a kernel\\n')")
    client.services.publish(notebook=said, name="talks")
    deadline = time.monotonic() + 60
    while "said by a kernel" not in (told := client.services.logs("talks")).text:
        assert time.monotonic() < deadline, told.text  # it comes through a pipe
        time.sleep(0.1)
    assert not told.end
    viewer = client.tokens.create("looks", role="viewer")
    looking = Client(Address(client.url, viewer.value))
    with looking, pytest.raises(Forbidden, match="'services:create' is not a right"):
        looking.services.logs("talks")
    token = client.services.show("talks").url.partition("token=")[2]
    assert token not in told.text
    client.services.stop("talks")
    after = client.services.logs("talks")
    assert after.end
    assert "said by a kernel" in after.text
    assert "Couldn't authenticate" in after.text  # the probe knocked without the token
    assert "TemplateNotFound" not in after.text
