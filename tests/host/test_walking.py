"""Looking through folders while others delete in them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aimass_jupyter.host import files_below, newest_below


def test_what_is_deleted_while_it_is_looked_for_is_passed_over(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "lock").touch()
        (tmp_path / name / "lock").touch()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b")
    assert {path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, "lock")} == {
        "a/lock", "a/deep/lock", "b/lock", "b/deep/lock",
    }  # fmt: skip
    found = files_below(tmp_path, "lock")
    first = next(found).parent
    other = tmp_path / ("b" if first.name == "a" else "a")
    shutil.rmtree(other)
    shutil.rmtree(first / "deep")
    assert list(found) == []


def test_the_newest_of_some_files_is_told_though_one_of_them_is_gone(tmp_path: Path) -> None:
    assert newest_below(tmp_path / "nowhere", "step-*") is None
    for number, name in enumerate(["step-1", "step-2", "other"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))
    (tmp_path / "step-3").symlink_to(tmp_path / "gone")  # named, and not there when it is asked
    assert newest_below(tmp_path, "step-*") == 1
