"""Archives: canonical when written, and not believed when read."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge
from aimass_jupyter.source.archive import MAX_MEMBERS, read_manifest, unpack
from aimass_jupyter.source.manifest import Manifest
from tests.source.conftest import Notebook

MANIFEST = Manifest(kind="script", entry="a.py").model_dump_json()
GOOD = {"manifest.json": MANIFEST, "code/a.py": "print(1)"}


def test_the_same_content_gives_the_same_bytes(notebook: Notebook) -> None:
    notebook.run("table = {'a': [1, 2]}\nnames = {'x', 'y'}\ndef helper():\n    return table")
    cell = "def train(run):\n    return helper(), names"
    first, second = notebook.pack(cell), notebook.pack(cell)
    assert first.content == second.content
    assert first.digest != notebook.pack(cell + "\n").digest


def write(path: Path, members: dict[str, Any], **more: Any) -> Path:
    with zipfile.ZipFile(path, "w", **more) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_sound_one_is_read_and_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", GOOD)
    assert read_manifest(path).entry == "a.py"
    unpack(path, tmp_path / "out")
    assert (tmp_path / "out/code/a.py").read_text() == "print(1)"


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"code/a.py": "x"}, "no manifest.json"),
        (GOOD | {"code/../../evil.py": "x"}, "no name for a file"),
        (GOOD | {"/etc/passwd": "x"}, "no name for a file"),
        (GOOD | {"code//a": "x"}, "no name for a file"),
        (GOOD | {"code/a\\b": "x"}, "no name for a file"),
        (GOOD | {"elsewhere/a.py": "x"}, "in none of its folders"),
        (GOOD | {"checkpoints": "x"}, "in none of its folders"),
        (GOOD | {"code/A.py": "x"}, "the same name"),
        (GOOD | {"code/folder/": ""}, "no plain file"),
        (GOOD | {"manifest.json": "{"}, "in its manifest"),
        (GOOD | {"manifest.json": "[]"}, "in its manifest"),
        (GOOD | {"manifest.json": MANIFEST.replace("a.py", "b.py")}, "'code/b.py', which is not"),
        (GOOD | {"manifest.json": MANIFEST.replace("script", "pickle")}, "kind"),
    ],
)
def test_a_strange_one_is_refused(tmp_path: Path, members: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidRequest, match="no package of own code") as raised:
        read_manifest(write(tmp_path / "a.zip", members))
    assert said in raised.value.message


def _with_link(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("files/link")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")


def _damaged(path: Path) -> None:
    write(path, GOOD)
    content = bytearray(path.read_bytes())
    place = content.index(b"print(1)")
    content[place] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    write(path, GOOD)
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize("make", [_with_link, _damaged, _cut, lambda path: path.write_bytes(b"")])
def test_links_damage_and_stumps_are_refused(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "a.zip")
    with pytest.raises(InvalidRequest):
        read_manifest(tmp_path / "a.zip")


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    zeros = bytes(50 * 1024**2)
    bomb = write(tmp_path / "a.zip", GOOD | {"files/z": zeros}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(TooLarge, match="times its size"):
        read_manifest(bomb)
    many = {f"files/{number}": "" for number in range(MAX_MEMBERS)}
    with pytest.raises(TooLarge, match="members"):
        read_manifest(write(tmp_path / "b.zip", GOOD | many))


def test_a_size_that_is_a_lie_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", GOOD, compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    entry = content.rindex(b"PK\x01\x02")
    lie = content[: entry + 24] + (3).to_bytes(4, "little") + content[entry + 28 :]
    path.write_bytes(lie)
    with pytest.raises(InvalidRequest):
        read_manifest(path)


def test_a_manifest_has_no_room_for_more(tmp_path: Path) -> None:
    more = json.dumps(json.loads(MANIFEST) | {"run": "rm"})
    with pytest.raises(InvalidRequest, match="in its manifest, run"):
        read_manifest(write(tmp_path / "a.zip", GOOD | {"manifest.json": more}))
