"""Requests a second through the gateway, beside a server written by hand, in the same minutes.

::

    python benchmarks/serve.py [--seconds 5] [--connections 32] [--rows 1]

The peer is what people write when they have no platform: one process, uvicorn with uvloop, the
same bundle, JSON in and out, no keys, no limits, no checks, no isolation, no switch-over. Both are
asked in turn, several rounds each, with digits of 8 x 8 points and a network of 64-256-10.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROUNDS = 3


def write_model(path: Path) -> dict[str, Any]:
    """Write a bundle of a network with random weights; returns one row of its input."""
    import numpy as np
    import pyarrow as pa
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import save
    from sklearn.datasets import load_digits

    from aimass_jupyter.bundle import BundleDescription, write_bundle
    from aimass_jupyter.contract.datasets import Column
    from aimass_jupyter.contract.ids import utc_now
    from aimass_jupyter.data import Preprocessing

    digits = load_digits()
    images = np.ascontiguousarray(digits.data, np.float32).reshape(-1, 1, 8, 8)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(images)
    table = pa.table({"image": tensor, "digit": digits.target})
    column = Column(name="image", kind="image", type="tensor", shape=[1, 8, 8])
    preprocessing = Preprocessing.fit(table, [column], "digit", "classification")
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(64, 256)), rng.normal(size=(256, 10))
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "first"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "second"], ["output"]),
    ]
    weights = {"first": first.astype(np.float32), "second": second.astype(np.float32)}
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", 1, 8, 8])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", 10])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    description = BundleDescription(
        name="digits", task="classification", algorithm="mlp", params={}, metrics={},
        signature=preprocessing.signature(), dataset="digits@1", dataset_digest="0" * 64,
        job="job_none", created_at=utc_now(), libraries={},
    )  # fmt: skip
    members = {
        "preprocessing.json": preprocessing.to_json(),
        "weights.safetensors": save(weights),
        "model.onnx": model.SerializeToString(),
    }
    write_bundle(path, description, members)
    return {"image": images[0].ravel().tolist()}


def serve_by_hand(bundle: Path, port: int) -> None:
    """The peer: runs until it is killed."""
    import uvicorn

    from aimass_jupyter.inference import load_bundle

    model = load_bundle(bundle)

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        columns = {t["name"]: _array(t["data"], t["shape"]) for t in json.loads(body)["inputs"]}
        answer = model.predict(columns)
        content = json.dumps({name: values.tolist() for name, values in answer.items()}).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    uvicorn.run(app, port=port, loop="uvloop", http="httptools", lifespan="off", log_level="error")


def _array(data: list[float], shape: list[int]) -> Any:
    import numpy as np

    return np.array(data, np.float32).reshape(shape)


@asynccontextmanager
async def platform(folder: Path, bundle: Path) -> AsyncIterator[tuple[str, str]]:
    """The gateway and a replica; gives URL and key."""
    from aimass_jupyter.bundle import read_manifest
    from aimass_jupyter.client.starting import stop_programs
    from aimass_jupyter.contract.endpoints import EndpointDeploy
    from aimass_jupyter.contract.ids import utc_now
    from aimass_jupyter.contract.models import ModelDetail, ModelVersion
    from aimass_server.access import Call, Principal
    from aimass_server.serving import Serving
    from aimass_server.store import Blobs, Store

    store, blobs = Store(folder / "aimass.db"), Blobs(folder / "blobs")
    store.open()
    blobs.open()
    manifest, blob = read_manifest(bundle), blobs.take_file(bundle)
    version = ModelVersion(
        version=1, digest=blob.digest, size_bytes=blob.size_bytes, task=manifest.task,
        algorithm="mlp", metrics={}, signature=manifest.signature, dataset="digits@1",
        job="job_none", created_at=utc_now(),
    )  # fmt: skip

    async def find(call: Call, reference: str) -> ModelDetail:
        return ModelDetail(
            id="mdl_digits", name="digits", owner=call.user, tenant=call.tenant,
            created_at=utc_now(), versions=1, aliases={}, latest=version, selected=version,
            history=[version],
        )  # fmt: skip

    serving = Serving(store, blobs, folder, find)
    await serving.open()
    try:
        call = Call(Principal("bench", "author"), "endpoints.deploy")
        endpoint = await serving.deploy(call, EndpointDeploy(model="digits"))
        yield endpoint.url, str(endpoint.key)
    finally:
        await serving.close()
        await asyncio.to_thread(stop_programs, folder)
        store.close()


@asynccontextmanager
async def peer(bundle: Path) -> AsyncIterator[str]:
    """The server by hand; gives its URL."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--peer", str(bundle), "--port", str(port)
    )
    try:
        await _until_listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _until_listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError("the peer did not start")


async def load(url: str, key: str, body: bytes, connections: int, seconds: float) -> list[float]:
    """Ask again and again on each connection; the seconds that each answer took."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    request = (
        f"POST {parts.path or '/'} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    until = time.perf_counter() + seconds
    address = (str(parts.hostname), int(parts.port or 80))
    asked = await asyncio.gather(*(_ask_until(address, request, until) for _ in range(connections)))
    return [took for one in asked for took in one]


async def _ask_until(address: tuple[str, int], request: bytes, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection(*address)
    took = []
    while (began := time.perf_counter()) < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode())
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        took.append(time.perf_counter() - began)
    writer.close()
    return took


def report(name: str, rounds: list[list[float]], seconds: float) -> float:
    """Print the median round; returns its requests a second."""
    middle = sorted(rounds, key=len)[len(rounds) // 2]
    rate, cuts = len(middle) / seconds, statistics.quantiles(middle, n=100)
    print(f"{name:<22} {rate:9.0f}/s   p50 {cuts[49] * 1e3:7.2f} ms   p99 {cuts[98] * 1e3:7.2f} ms")
    return rate


async def measure(connections: int, seconds: float, rows: int) -> None:
    """Ask both in turn and print both, and the ratio."""
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as name:
        folder = Path(name)
        bundle = folder / "digits.aimass"
        image = write_model(bundle)["image"]
        tensor = {"name": "image", "datatype": "FP32", "shape": [rows, 1, 8, 8]}
        body = json.dumps({"inputs": [tensor | {"data": image * rows}]}).encode()
        ours: list[list[float]] = []
        theirs: list[list[float]] = []
        async with platform(folder, bundle) as (url, key), peer(bundle) as peer_url:
            for _ in range(ROUNDS):
                ours.append(await load(f"{url}/infer", key, body, connections, seconds))
                theirs.append(await load(peer_url, "", body, connections, seconds))
    print(f"{connections} connections, {rows} row(s) a request, median of {ROUNDS} rounds")
    ratio = report("gateway and replica", ours, seconds) / report("by hand", theirs, seconds)
    print(f"ratio of requests a second: {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        serve_by_hand(options.peer, options.port)
    else:
        import uvloop

        uvloop.run(measure(options.connections, options.seconds, options.rows))


if __name__ == "__main__":
    main()
