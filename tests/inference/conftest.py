"""Real models for this room, fitted with scikit-learn and bundled; replicas as processes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge

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
from aimass_jupyter.contract.frames import Frame, FrameReader, encode_frame
from aimass_jupyter.data import Preprocessing, column_values, columns_of, describe
from aimass_jupyter.data.normalise import normalise
from aimass_jupyter.data.readers import read_builtin

START_SECONDS = 60


def linear_graph(weight: Any, bias: Any, shape: tuple[int, ...]) -> bytes:
    """An ONNX network: flatten, then a linear layer."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["rows"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weight", "bias"], ["outputs"]),
        ],
        "linear",
        [value("rows", TensorProto.FLOAT, ["n", *shape])],
        [value("outputs", TensorProto.FLOAT, ["n", len(bias)])],
        [
            numpy_helper.from_array(np.asarray(weight, np.float32), "weight"),
            numpy_helper.from_array(np.asarray(bias, np.float32), "bias"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    content: bytes = model.SerializeToString()
    return content


def describe_model(preprocessing: Preprocessing, **changes: Any) -> BundleDescription:
    """What the manifest of a test's bundle tells."""
    fields: dict[str, Any] = {
        "name": "m",
        "task": preprocessing.task,
        "algorithm": preprocessing.task,
        "params": {},
        "metrics": {},
        "signature": preprocessing.signature(),
        "dataset": "d@1",
        "dataset_digest": "0" * 64,
        "job": "job_1",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "libraries": {"onnx": onnx.__version__},
    }
    return BundleDescription(**fields | changes)


def write_linear(
    path: Path, table: pa.Table, label: str, task: Literal["classification", "regression"]
) -> Path:
    """Fit a linear model to a table and write its bundle."""
    preprocessing = Preprocessing.fit(table, describe(table, "a test").columns, label, task)
    rows = preprocessing.apply(columns_of(table))
    targets = preprocessing.encode_label(column_values(table[label]))
    flat = rows.reshape(len(rows), -1)
    if task == "classification":
        fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(flat, targets)
        coefficients, bias = fitted.coef_, fitted.intercept_
        if len(bias) == 1:
            coefficients = np.vstack([-coefficients, coefficients]) / 2
            bias = np.array([-bias[0], bias[0]]) / 2
    else:
        ridge = Ridge().fit(flat, targets)
        coefficients, bias = ridge.coef_[np.newaxis], [ridge.intercept_]
    weight = np.asarray(coefficients, np.float32).T
    members = {
        PREPROCESSING: preprocessing.to_json(),
        WEIGHTS: save({"weight": np.ascontiguousarray(weight)}),
        MODEL: linear_graph(weight, bias, preprocessing.input_shape),
    }
    write_bundle(path, describe_model(preprocessing), members)
    return path


def builtin_table(name: str) -> tuple[pa.Table, str]:
    """A data set of scikit-learn, as imported."""
    table, label = read_builtin(name)
    return normalise(table, name), label


MIXED = pa.table(
    {
        "area": [50.0, 70.0, None, 90.0, 60.0, 85.0],
        "sold": [True, False, True, False, True, False],
        "town": ["Bonn", "Köln", None, "Bonn", "Köln", "Bonn"],
        "rooms": [2, 3, 4, 5, 2, 4],
        "kind": ["flat", "house", "house", "house", "flat", "house"],
    }
)


@pytest.fixture(scope="session")
def mixed_table() -> pa.Table:
    """The table behind ``mixed_bundle``."""
    return MIXED


@pytest.fixture(scope="session")
def digits_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images to ten classes."""
    table, label = builtin_table("digits")
    path = tmp_path_factory.mktemp("digits") / "digits.aimass"
    return write_linear(path, table, label, "classification")


@pytest.fixture(scope="session")
def diabetes_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten numbers to a number."""
    table, label = builtin_table("diabetes")
    path = tmp_path_factory.mktemp("diabetes") / "diabetes.aimass"
    return write_linear(path, table, label, "regression")


@pytest.fixture(scope="session")
def mixed_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of column, some with missing values, to two classes."""
    path = tmp_path_factory.mktemp("mixed") / "mixed.aimass"
    return write_linear(path, MIXED, "kind", "classification")


class Asker:
    """One connection to a replica."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self._frames = FrameReader()
        self._arrived: list[Frame] = []

    def send(self, number: int, operation: str, body: bytes = b"") -> None:
        self.socket.sendall(encode_frame({"id": number, "op": operation}, body))

    def receive(self) -> Frame:
        while not self._arrived:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the replica hung up")
            self._arrived += self._frames.feed(data)
        return self._arrived.pop(0)

    def ask(self, operation: str, body: Any = None) -> tuple[dict[str, Any], Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        self.send(1, operation, content)
        frame = self.receive()
        return frame.header, json.loads(frame.body) if frame.body else None

    def close(self) -> None:
        self.socket.close()


class RunningReplica:
    """A replica's process and its socket."""

    def __init__(self, process: subprocess.Popen[str], path: Path) -> None:
        self.process = process
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[Asker]:
        asker = Asker(self.path)
        try:
            yield asker
        finally:
            asker.close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


@contextmanager
def running_replica(bundle: Path, folder: Path) -> Iterator[RunningReplica]:
    """Start a replica, and see to it that it is gone afterwards."""
    path = folder / "replica.sock"
    argv = [
        sys.executable, "-m", "aimass_jupyter.inference.replica",
        "--bundle", str(bundle), "--socket", str(path), "--name", "m", "--version", "3",
    ]  # fmt: skip
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: path.exists() or process.poll() is not None, "the replica did not start")
        assert process.poll() is None, process.communicate()
        yield RunningReplica(process, path)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def mixed_replica(
    mixed_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningReplica]:
    """A replica that many tests ask; none of them harms it."""
    with running_replica(mixed_bundle, tmp_path_factory.mktemp("r")) as replica:
        yield replica


@pytest.fixture
def start_replica(tmp_path: Path) -> Callable[[Path], AbstractContextManager[RunningReplica]]:
    """Start a replica of a test's own."""
    return lambda bundle: running_replica(bundle, tmp_path)


@pytest.fixture
def rewrite_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle anew with another member or another word in its manifest."""

    def rewrite(bundle: Path, members: dict[str, bytes], **changes: Any) -> Path:
        kept = {name: open_member(bundle, name) for name in MEMBERS} | members
        fields = dict(read_manifest(bundle)) | changes
        for added in ("members", "format_version"):
            fields.pop(added)
        write_bundle(tmp_path / "rewritten.aimass", BundleDescription(**fields), kept)
        return tmp_path / "rewritten.aimass"

    return rewrite


@pytest.fixture
def make_graph() -> Callable[..., bytes]:
    """Make a linear ONNX network."""
    return linear_graph
