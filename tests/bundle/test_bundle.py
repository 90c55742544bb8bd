"""Bundles: what goes in comes out, the same content has one digest, and strangers are refused."""

from __future__ import annotations

import io
import json
import math
import pickle
import stat
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aimass_jupyter.bundle import (
    MEMBERS,
    MODEL,
    PREPROCESSING,
    WEIGHTS,
    BundleDescription,
    open_member,
    read_manifest,
    write_bundle,
)
from aimass_jupyter.contract.errors import InvalidRequest, NotFound, TooLarge
from aimass_jupyter.contract.models import Signature, TensorSpec

WEIGHTS_BYTES = (2).to_bytes(8, "little") + b"{}"
CONTENT = {PREPROCESSING: b'{"a": 1}', WEIGHTS: WEIGHTS_BYTES, MODEL: b"onnx bytes"}


def description(**changes: Any) -> BundleDescription:
    fields: dict[str, Any] = {
        "name": "digits",
        "task": "classification",
        "algorithm": "classification",
        "params": {"epochs": 10},
        "metrics": {"accuracy": 0.98, "log_loss": None},
        "signature": Signature(
            inputs=[TensorSpec(name="x", datatype="FP64", shape=[-1])], outputs=[], example={"x": 1}
        ),
        "dataset": "digits@1",
        "dataset_digest": "ab" * 32,
        "job": "job_01",
        "created_at": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "libraries": {"torch": "2.13.0"},
    }
    return BundleDescription(**fields | changes)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "digits.aimass"
    write_bundle(path, description(), CONTENT)
    return path


@given(
    preprocessing=st.dictionaries(st.text(), st.integers() | st.text()),
    tensors=st.binary(max_size=300),
    model=st.binary(max_size=300),
    params=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
)
def test_what_goes_in_comes_out_and_has_one_digest(
    tmp_path_factory: pytest.TempPathFactory,
    preprocessing: dict[str, Any],
    tensors: bytes,
    model: bytes,
    params: dict[str, float],
) -> None:
    folder = tmp_path_factory.mktemp("bundle")
    weights = WEIGHTS_BYTES + tensors
    content = {PREPROCESSING: json.dumps(preprocessing).encode(), WEIGHTS: weights, MODEL: model}
    backwards = dict(reversed(content.items()))
    given_description = description(params=params)
    first = write_bundle(folder / "a.aimass", given_description, content)
    second = write_bundle(folder / "b.aimass", given_description, backwards)
    assert first == second
    manifest = read_manifest(folder / "a.aimass")
    assert manifest.params == params
    assert manifest.created_at == given_description.created_at
    assert {name: open_member(folder / "a.aimass", name) for name in MEMBERS} == content


def test_a_bundle_is_an_ordinary_zip(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", *MEMBERS]
        assert json.loads(archive.read("manifest.json"))["created_at"] == "2026-01-02T03:04:05.678Z"
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_anywhere_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "digits.aimass"
    write_bundle(path, description(), CONTENT)
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= flip
    path.write_bytes(content)
    with pytest.raises((InvalidRequest, TooLarge)):
        read_manifest(path)


@given(st.binary(max_size=2000))
def test_no_bytes_but_a_bundle_are_taken(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("junk") / "junk.aimass"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"junk\.aimass"):
        read_manifest(path)


@pytest.mark.parametrize("cut", [1, 22, 400])
def test_a_bundle_cut_short_is_refused(bundle: Path, cut: int) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-cut])
    with pytest.raises(InvalidRequest, match="not a bundle"):
        read_manifest(bundle)


@pytest.mark.parametrize("extra", [b"\0", b"PK\x05\x06" + bytes(18)])
def test_bytes_before_or_after_the_archive_are_refused(bundle: Path, extra: bytes) -> None:
    whole = bundle.read_bytes()
    for content in (extra + whole, whole + extra):
        bundle.write_bytes(content)
        with pytest.raises(InvalidRequest, match="not a bundle"):
            read_manifest(bundle)


def _repacked(bundle: Path, **changes: Any) -> bytes:
    """The same members through another ZIP writer, with something else added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(buffer, "w", **changes) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../../.bashrc", stat.S_IFREG | 0o600),
        ("/etc/cron.d/x", stat.S_IFREG | 0o600),
        ("a", stat.S_IFLNK | 0o777),
        ("a/x", stat.S_IFREG | 0o600),
        ("pipe", stat.S_IFIFO | 0o600),
        ("device", stat.S_IFCHR | 0o600),
        ("setuid", stat.S_IFREG | 0o4755),
        ("model.onnx", stat.S_IFREG | 0o600),
        ("code.pkl", stat.S_IFREG | 0o600),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_no_member_but_the_four_is_taken(bundle: Path, name: str, mode: int) -> None:
    with zipfile.ZipFile(bundle, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, b"/etc")
    before = set(bundle.parent.iterdir())
    with pytest.raises(InvalidRequest, match="not a bundle"):
        read_manifest(bundle)
    assert set(bundle.parent.iterdir()) == before


def test_a_link_in_the_place_of_a_member_is_refused(bundle: Path) -> None:
    regular, link = (0o100600 << 16).to_bytes(4, "little"), (0o120777 << 16).to_bytes(4, "little")
    content = bundle.read_bytes()
    assert content.count(regular) == 4
    bundle.write_bytes(content.replace(regular, link))
    with pytest.raises(InvalidRequest, match="not a bundle"):
        read_manifest(bundle)


def test_a_compressed_bomb_is_refused_before_anything_is_inflated(bundle: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("manifest.json", *MEMBERS):
            archive.writestr(name, bytes(10_000_000))
    assert len(buffer.getvalue()) < 50_000
    bundle.write_bytes(buffer.getvalue())
    with pytest.raises(InvalidRequest, match="not a bundle"):
        read_manifest(bundle)


def test_a_file_of_many_members_is_refused(bundle: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20_000):
            archive.writestr(str(number), b"")
    bundle.write_bytes(buffer.getvalue())
    with pytest.raises(InvalidRequest, match="not a bundle"):
        read_manifest(bundle)


def test_a_repacked_bundle_is_refused_with_the_cure(bundle: Path) -> None:
    bundle.write_bytes(_repacked(bundle, compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(InvalidRequest) as caught:
        read_manifest(bundle)
    assert "packed anew" in caught.value.hint


def test_a_bundle_over_the_limit_is_refused_unread(bundle: Path) -> None:
    with bundle.open("r+b") as file:
        file.truncate(3 * 1024**3)  # sparse: takes no room
    with pytest.raises(TooLarge, match="limit"):
        read_manifest(bundle)


@pytest.mark.parametrize("name", [WEIGHTS, PREPROCESSING])
def test_a_pickle_under_a_good_name_is_refused_and_never_run(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"

    class Touch:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (canary,))

    with pytest.raises(InvalidRequest, match=name):
        write_bundle(tmp_path / "x", description(), CONTENT | {name: pickle.dumps(Touch())})
    assert not canary.exists()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "content", [{}, {MODEL: b""}, CONTENT | {"notes.txt": b""}, CONTENT | {PREPROCESSING: b"[1]"}]
)
def test_only_whole_content_is_written(tmp_path: Path, content: dict[str, bytes]) -> None:
    with pytest.raises(InvalidRequest):
        write_bundle(tmp_path / "x.aimass", description(), content)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file .*nowhere\.aimass"):
        read_manifest(tmp_path / "nowhere.aimass")


def test_an_unknown_member_is_named_with_the_nearest(bundle: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"did you mean 'model\.onnx'"):
        open_member(bundle, "model.onx")


@pytest.mark.parametrize(
    ("field", "value"),
    [("metrics", {"loss": math.inf}), ("name", "../x"), ("task", "chess"), ("surprise", 1)],
)
def test_a_wrong_description_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        description(**{field: value})


def test_the_control_plane_reads_manifests_without_the_heavy_libraries() -> None:
    script = (
        "import sys, aimass_jupyter.bundle as b;"
        "heavy = {'numpy', 'torch', 'pyarrow', 'onnx', 'onnxruntime', 'sklearn', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"
