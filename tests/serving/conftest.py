"""Endpoints of real bundles: a real store, real replicas, the real gateway on a free port."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import save

from aimass_jupyter.bundle import (
    MODEL,
    PREPROCESSING,
    WEIGHTS,
    BundleDescription,
    read_manifest,
    write_bundle,
)
from aimass_jupyter.client.starting import stop_programs
from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.endpoints import Endpoint, EndpointDeploy
from aimass_jupyter.contract.errors import NotFound
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.models import ModelDetail, ModelVersion
from aimass_jupyter.data import Preprocessing
from aimass_server.access import Call, Principal
from aimass_server.serving import Serving
from aimass_server.serving.sockets import remove_if_empty, socket_folder
from aimass_server.store import Blobs, Store


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def linear_bundle(path: Path, slope: float) -> None:
    """A regression that gives ``slope * a - 2 * b + 1``, fitted and exported by hand."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 64))
    table = pa.table({"a": a, "b": b, "y": slope * a - 2 * b + 1})
    columns = [Column(name=name, kind="number", type="double") for name in ("a", "b")]
    preprocessing = Preprocessing.fit(table, columns, "y", "regression")
    rows = preprocessing.apply({"a": a, "b": b}).astype(np.float64)
    design = np.column_stack([rows, np.ones(len(rows))])
    wanted = preprocessing.encode_label(np.asarray(table["y"]))
    solution = np.linalg.lstsq(design, np.asarray(wanted, np.float64).ravel(), rcond=None)[0]
    weights, bias = solution[:-1, None].astype(np.float32), solution[-1:].astype(np.float32)
    _write(path, preprocessing, "regression", _network(rows.shape[1:], weights, bias))


def image_bundle(path: Path) -> None:
    """A classification of images of 2 x 2 points: which half is the brighter one."""
    images = np.random.default_rng(0).integers(0, 16, (64, 1, 2, 2)).astype(np.float32)
    brighter = np.where(images[:, 0, 0].sum(1) > images[:, 0, 1].sum(1), "top", "bottom")
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(images)
    table = pa.table({"image": column, "half": brighter})
    kinds = [Column(name="image", kind="image", type="tensor", shape=[1, 2, 2])]
    preprocessing = Preprocessing.fit(table, kinds, "half", "classification")
    weights = np.array([[-1, 1], [-1, 1], [1, -1], [1, -1]], np.float32)  # bottom, top
    network = _network((1, 2, 2), weights, np.zeros(2, np.float32))
    _write(path, preprocessing, "classification", network)


def _network(shape: tuple[int, ...], weights: np.ndarray, bias: np.ndarray) -> bytes:
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["input"], ["flat"], axis=1),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["output"]),
        ],
        "linear",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", *shape])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", weights.shape[1]])],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(bias, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _write(path: Path, preprocessing: Preprocessing, task: str, network: bytes) -> None:
    description = BundleDescription(
        name="model",
        task=task,
        algorithm="linear",
        params={},
        metrics={},
        signature=preprocessing.signature(),
        dataset="made@1",
        dataset_digest="0" * 64,
        job="job_made",
        created_at=utc_now(),
        libraries={},
    )
    weights = save({"none": np.zeros(1, np.float32)})
    members = {PREPROCESSING: preprocessing.to_json(), WEIGHTS: weights, MODEL: network}
    write_bundle(path, description, members)


@dataclass
class Shelf:
    """The models that can be deployed, by name; the newest version is the selected one."""

    blobs: Blobs
    models: dict[str, list[ModelVersion]] = field(default_factory=dict)

    def add(self, name: str, bundle: Path) -> str:
        """Register a bundle; returns ``name@version``."""
        manifest, blob = read_manifest(bundle), self.blobs.take_file(bundle)
        self.blobs.unpin(blob.digest)
        versions = self.models.setdefault(name, [])
        versions.append(
            ModelVersion(
                version=len(versions) + 1,
                digest=blob.digest,
                size_bytes=blob.size_bytes,
                task=manifest.task,
                algorithm="linear",
                metrics={},
                signature=manifest.signature,
                dataset="made@1",
                job="job_made",
                created_at=utc_now(),
            )
        )
        return f"{name}@{len(versions)}"

    async def find(self, call: Call, reference: str) -> ModelDetail:
        name, _, version = reference.partition("@")
        if name not in self.models:
            raise NotFound(f"there is no model '{name}'")
        versions = self.models[name]
        selected = versions[int(version or len(versions)) - 1]
        return ModelDetail(
            id=f"mdl_{name}",
            name=name,
            owner=call.user,
            tenant=call.tenant,
            created_at=utc_now(),
            versions=len(versions),
            aliases={},
            latest=versions[-1],
            selected=selected,
            history=versions,
        )


@dataclass
class House:
    """A data folder with what serves from it."""

    data: Path
    store: Store
    blobs: Blobs
    shelf: Shelf
    serving: Serving
    author: Call = field(default_factory=lambda: _call_of("ada"))

    async def deploy(self, model: str, name: str | None = None, by: Call | None = None) -> Endpoint:
        request = EndpointDeploy(model=model, name=name)
        return await self.serving.deploy(by or self.author, request)

    async def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something that comes by itself."""
        async with asyncio.timeout(seconds):
            while True:
                if holds():
                    return
                await asyncio.sleep(0.05)

    async def reopen(self) -> None:
        """Another control plane takes over: nothing is told to the one before."""
        await self.serving.close()
        self.serving = Serving(self.store, self.blobs, self.data, self.shelf.find)
        await self.serving.open()

    async def stop_programs(self) -> None:
        """End the gateway and every replica, as the end of the machine does."""
        await self.serving.close()
        await asyncio.to_thread(stop_programs, self.data)
        remove_if_empty(self.sockets)

    def processes(self, kind: str = "") -> list[int]:
        """The processes of this folder, or those with this word among their arguments."""
        return sorted(_mentioning(str(self.data).encode(), kind.encode()))

    @property
    def sockets(self) -> Path:
        """Where the sockets of its replicas lie."""
        return socket_folder(self.data)

    @property
    def replicas(self) -> list[int]:
        """The replicas themselves, without their supervisors."""
        return self.processes("aimass_jupyter.inference.replica")

    @property
    def gateways(self) -> list[int]:
        """The gateway itself, without its supervisor."""
        return self.processes("aimass_server.serving.gateway")


@dataclass
class Door:
    """Two endpoints behind one gateway, asked as anybody would."""

    first: Endpoint
    second: Endpoint
    data: Path
    http: httpx.AsyncClient

    @property
    def base(self) -> str:
        return self.first.url.partition("/v2/")[0]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.base)
        return str(parts.hostname), int(parts.port or 0)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request with the key of the first endpoint, unless other headers are given."""
        options.setdefault("headers", {"x-api-key": self.first.key})
        return await self.http.request(method, self.base + path, **options)

    def raw(self, request: bytes, seconds: float = 5) -> bytes:
        """What comes back for these bytes until the gateway closes, or is silent for so long."""
        with socket.create_connection(self.address, timeout=30) as connection:
            connection.sendall(request)
            connection.recv(1, socket.MSG_PEEK)  # however long the first word takes
            connection.settimeout(seconds)
            return _read_all(connection)


@asynccontextmanager
async def _open(data: Path) -> AsyncIterator[House]:
    """A data folder of its own, with the room open; nothing of it runs on afterwards."""
    house = _make(data)
    try:
        await house.serving.open()
        yield house
    finally:
        await house.stop_programs()
        house.store.close()
    await house.until(lambda: house.processes() == [])


def _make(data: Path) -> House:
    data.mkdir()
    store, blobs = Store(data / "aimass.db"), Blobs(data / "blobs")
    store.open()
    blobs.open()
    shelf = Shelf(blobs)
    return House(data, store, blobs, shelf, Serving(store, blobs, data, shelf.find))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A data folder for one test, which may break anything."""
    async with _open(tmp_path / "data") as house:
        yield house


@pytest.fixture(scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Two endpoints behind one gateway, for tests that leave them as they are."""
    folder = tmp_path_factory.mktemp("door")
    linear_bundle(folder / "linear.aimass", 3.0)
    image_bundle(folder / "halves.aimass")
    async with _open(folder / "data") as house:
        first = await house.deploy(house.shelf.add("linear", folder / "linear.aimass"))
        second = await house.deploy(house.shelf.add("halves", folder / "halves.aimass"))
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            yield Door(first, second, house.data, client)


@pytest.fixture
def linear(house: House, tmp_path: Path) -> Callable[[float], str]:
    """Registers a version of the model ``linear``: ``slope * a - 2 * b + 1``."""

    def add(slope: float) -> str:
        linear_bundle(tmp_path / "linear.aimass", slope)
        return house.shelf.add("linear", tmp_path / "linear.aimass")

    return add


@pytest.fixture
def halves(house: House, tmp_path: Path) -> str:
    """A version of the model ``halves``: which half of an image is the brighter one."""
    image_bundle(tmp_path / "halves.aimass")
    return house.shelf.add("halves", tmp_path / "halves.aimass")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client as anybody has one."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def another_user() -> Call:
    """Somebody else of the same tenant."""
    return _call_of("bob")


@pytest.fixture
def another_tenant() -> Call:
    """Somebody of another tenant."""
    return _call_of("eve", tenant="elsewhere")


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def _call_of(user: str, tenant: str = "default") -> Call:
    return Call(Principal(user, "author", tenant), "endpoints.test")


def _mentioning(*words: bytes) -> Iterator[int]:
    """The living processes with all these words in their command line."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                arguments = Path(entry.path, "cmdline").read_bytes()
            except OSError:  # gone meanwhile
                continue
            if all(word in arguments for word in words):
                yield int(entry.name)
