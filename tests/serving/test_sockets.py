"""Sockets lie where their paths fit, and where nobody else reaches them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_jupyter.contract.errors import Unavailable
from aimass_jupyter.contract.ids import new_id
from aimass_server.serving.sockets import make_private, remove_if_empty, socket_folder


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """The folder for a data folder that lies too deep; gone afterwards."""
    folder = socket_folder(tmp_path / ("d" * 100))
    yield folder
    remove_if_empty(folder)


def test_a_shallow_data_folder_holds_its_sockets() -> None:
    assert socket_folder(Path("/home/ada/data")) == Path("/home/ada/data/sockets")


def test_a_deep_one_gets_a_short_folder_of_its_own(short: Path, tmp_path: Path) -> None:
    assert short.parent == Path("/tmp")
    assert short != socket_folder(tmp_path / ("e" * 100))
    make_private(short)
    make_private(short)
    assert short.stat().st_mode & 0o777 == 0o700
    path = short / f"{new_id('ep')}-99999999.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    remove_if_empty(short)
    assert path.exists()
    path.unlink()


def test_a_folder_that_others_can_enter_is_not_used(short: Path) -> None:
    short.mkdir(mode=0o755)
    with pytest.raises(Unavailable, match="not a folder of ours alone"):
        make_private(short)


def test_a_link_is_not_followed(short: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    short.symlink_to(tmp_path)
    try:
        with pytest.raises(Unavailable, match="not a folder of ours alone"):
            make_private(short)
    finally:
        short.unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(short: Path) -> None:
    short.mkdir(mode=0o700)
    os.chown(short, 12345, 12345)
    with pytest.raises(Unavailable, match="not a folder of ours alone"):
        make_private(short)
