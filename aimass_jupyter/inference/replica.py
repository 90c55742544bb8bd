"""A replica: one model version, in a process of its own, answering on a Unix socket.

::

    python -m aimass_jupyter.inference.replica \
        --bundle PATH --socket PATH --name NAME --version N

Frames and operations are those of ``aimass_jupyter.contract.frames``. The bundle is loaded and has
predicted once before the socket exists, and the socket is listening when its name appears: whoever
finds it can ask. It has mode 0600. SIGTERM ends it: new requests are refused with 503, those in
flight are answered, and it exits with code 0. A bundle that cannot be served is one line on
standard error and exit code 1. It speaks no HTTP and checks no keys: the gateway does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from aimass_jupyter.contract.errors import (
    AimassError,
    Busy,
    Internal,
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
MAX_SOCKET_PATH = 106  # bytes; the kernel takes 107, and it is born with one more
BACKLOG = 128

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

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Listen until ``stop`` is set, then answer what is in flight and close."""
        server = await asyncio.start_unix_server(self._converse, sock=listener)
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
            unforeseen = Internal("the replica failed", "its log has the reason")
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


async def run(replica: Replica, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await replica.serve(listener, stop)


def main(arguments: list[str] | None = None) -> int:
    """Load the bundle, listen, and return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    try:
        _check_path(options.socket)
        replica = Replica(load_bundle(options.bundle), options.name, options.version)
    except AimassError as error:
        print(error, file=sys.stderr)
        return 1
    with _listen(options.socket) as listener:
        uvloop.run(run(replica, listener))
    options.socket.unlink(missing_ok=True)
    return 0


@contextmanager
def _listen(path: Path) -> Iterator[socket.socket]:
    """A socket that gets its name once it listens; one that a killed replica left is replaced."""
    unborn = path.with_name(f".{path.name}")
    unborn.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        os.umask(0o177)  # mode 0600 from the beginning
        listener.bind(os.fspath(unborn))
        listener.listen(BACKLOG)
        unborn.replace(path)
        yield listener


def _check_path(path: Path) -> None:
    length = len(os.fsencode(path))
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
