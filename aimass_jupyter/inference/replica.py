"""A replica: one model version, in a process of its own, answering on a Unix socket.

::

    python -m aimass_jupyter.inference.replica \
        --bundle PATH --socket PATH --name NAME --version N

Frames and operations are those of ``aimass_jupyter.contract.frames``. The bundle is loaded and has
predicted once before the socket exists: whoever can connect gets answers. The socket has mode
0600. SIGTERM ends it: new requests are refused with 503, those in flight are answered, and it
exits with code 0. A bundle that cannot be served is one line on standard error and exit code 1.
It speaks no HTTP and checks no keys: the gateway does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from aimass_jupyter.contract.errors import (
    AimassError,
    Busy,
    Failed,
    InvalidRequest,
    Unavailable,
    did_you_mean,
)
from aimass_jupyter.contract.frames import Frame, FrameReader, encode_frame
from aimass_jupyter.inference.batching import RETRY_SECONDS, Batcher
from aimass_jupyter.inference.model import LoadedModel, load_bundle
from aimass_jupyter.inference.protocol import Protocol

DRAIN_SECONDS = 30.0
HANG_UP_SECONDS = 5.0
MAX_IN_FLIGHT_BYTES = 256 * 1024 * 1024
MAX_SOCKET_PATH = 107  # bytes, of the kernel's sun_path

_READ_BYTES = 256 * 1024
_LARGE_BODY_BYTES = 64 * 1024  # read in a thread, so that small requests do not wait behind it
_log = logging.getLogger(__name__)
_OPERATIONS = ("infer", "metadata", "ready")


class Replica:
    """Answers frames; connections come and go."""

    def __init__(self, model: LoadedModel, name: str, version: str) -> None:
        self._protocol = Protocol(name, version, model.manifest.signature, _nullable(model))
        self._batcher = Batcher(model.predict)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._in_flight_bytes = 0
        self._connections: set[asyncio.StreamWriter] = set()
        self._stopping = False

    async def serve(self, socket: Path, stop: asyncio.Event) -> None:
        """Listen until ``stop`` is set, then answer what is in flight and close."""
        server = await asyncio.start_unix_server(self._converse, socket)
        await stop.wait()
        self._stopping = True
        server.close()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=DRAIN_SECONDS)
        await self._hang_up()
        self._batcher.close()

    async def _hang_up(self) -> None:
        """Close the connections once what was written has left."""
        closing = list(self._connections)
        for writer in closing:
            writer.close()
        left = [asyncio.create_task(writer.wait_closed()) for writer in closing]
        if left:
            await asyncio.wait(left, timeout=HANG_UP_SECONDS)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read questions from a connection until it ends or falls out of step."""
        self._connections.add(writer)
        frames, asked = FrameReader(), set[asyncio.Task[None]]()
        try:
            while data := await reader.read(_READ_BYTES):
                for frame in frames.feed(data):
                    asked.add(task := self._start(self._answer(frame, writer)))
                    task.add_done_callback(asked.discard)
        except (AimassError, ConnectionError) as error:
            _log.warning("a connection is closed: %s", error)
        finally:
            for task in asked:  # nobody is there to hear the answer
                task.cancel()
            self._connections.discard(writer)
            writer.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        return task

    async def _answer(self, question: Frame, writer: asyncio.StreamWriter) -> None:
        number = question.header.get("id")
        try:
            answer = encode_frame({"id": number, "status": 200}, await self._do(question))
        except AimassError as error:
            answer = encode_frame({"id": number} | _error_header(error))
        except Exception:  # noqa: BLE001 - logged whole; the other askers go on
            _log.exception("a request failed in an unforeseen way")
            unforeseen = Failed("the replica failed", "its log has the reason")
            answer = encode_frame({"id": number} | _error_header(unforeseen))
        with suppress(ConnectionError):  # the asker is gone
            writer.write(answer)
            await writer.drain()

    async def _do(self, question: Frame) -> bytes:
        operation = question.header.get("op")
        if operation == "infer":
            with self._admitted(question.body):
                return await self._infer(question.body)
        if operation == "metadata":
            return self._protocol.metadata()
        if operation == "ready":
            return json.dumps({"ready": not self._stopping}).encode()
        wrong = str(operation)[:40]
        raise InvalidRequest(f"there is no operation '{wrong}'", did_you_mean(wrong, _OPERATIONS))

    @contextmanager
    def _admitted(self, body: bytes) -> Iterator[None]:
        """Bound what is held for those who wait."""
        if self._stopping:
            raise Unavailable("the replica is stopping", "ask again", retry_after=RETRY_SECONDS)
        if self._in_flight_bytes + len(body) > MAX_IN_FLIGHT_BYTES:
            raise Busy(
                f"requests of {self._in_flight_bytes:,} bytes wait, near the limit of "
                f"{MAX_IN_FLIGHT_BYTES:,}",
                "try again soon, or send fewer rows at a time",
                retry_after=RETRY_SECONDS,
            )
        self._in_flight_bytes += len(body)
        try:
            yield
        finally:
            self._in_flight_bytes -= len(body)

    async def _infer(self, body: bytes) -> bytes:
        if len(body) > _LARGE_BODY_BYTES:
            request = await asyncio.to_thread(self._protocol.decode, body)
        else:
            request = self._protocol.decode(body)
        outputs = await self._batcher.predict(request.columns, request.rows)
        return self._protocol.encode(request, outputs)


def _error_header(error: AimassError) -> dict[str, Any]:
    header: dict[str, Any] = {"status": error.status, "error": str(error)}
    if error.retry_after is not None:
        header["retry_after"] = error.retry_after
    return header


def _nullable(model: LoadedModel) -> frozenset[str]:
    """The inputs that may be missing, because training knew how that looks."""
    return frozenset(f.name for f in model.preprocessing.features if f.missing)


async def run(model: LoadedModel, socket: Path, name: str, version: str) -> None:
    """Serve a model until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Replica(model, name, version).serve(socket, stop)


def main(arguments: list[str] | None = None) -> int:
    """Load the bundle, listen, and return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    os.umask(0o177)  # the socket is born with mode 0600
    try:
        _check_socket(options.socket)
        model = load_bundle(options.bundle)
    except AimassError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        uvloop.run(run(model, options.socket, options.name, options.version))
    finally:
        options.socket.unlink(missing_ok=True)
    return 0


def _check_socket(socket: Path) -> None:
    length = len(os.fsencode(socket))
    if length > MAX_SOCKET_PATH:
        raise InvalidRequest(
            f"the socket's path has {length} bytes, over the limit of {MAX_SOCKET_PATH}",
            "choose a shorter data folder: AIMASS_DATA",
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aimass_jupyter.inference.replica")
    parser.add_argument("--bundle", type=Path, required=True, help="the model version to serve")
    parser.add_argument("--socket", type=Path, required=True, help="the socket to listen on")
    parser.add_argument("--name", required=True, help="the model's name in answers")
    parser.add_argument("--version", required=True, help="its version in answers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
