"""The program: reads its folder, takes its port, serves until it is told to stop."""

from __future__ import annotations

import errno
import logging
import resource
import socket
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvicorn

from aimass_jupyter.host import FileLock, read_record, write_record
from aimass_server.serving.gateway.app import Gateway
from aimass_server.serving.gateway.head import LOOPBACK_NAMES
from aimass_server.serving.gateway.protocol import BoundedProtocol
from aimass_server.serving.gateway.routes import RouteTable

MAX_CONNECTIONS = 4096
BACKLOG = 1024

_log = logging.getLogger("aimass.gateway")


def main(folder: Path) -> int:
    """Serve; returns 3 when another gateway serves this folder already."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    lock = FileLock(folder / "lock")
    if not lock.acquire():
        _log.error("another gateway serves %s already", folder)
        return 3
    settings = read_record(folder / "settings.json") or {}
    wanted = [int(settings.get(name, 0)) for name in ("port", "last_port")]
    listener = listen(folder, str(settings.get("host", "127.0.0.1")), wanted)
    _raise_file_limit()
    uvicorn.Server(_configuration(_gateway(folder, settings))).run(sockets=[listener])
    lock.release()
    return 0


def listen(folder: Path, host: str, wanted: list[int]) -> socket.socket:
    """Listen on the first of the wanted ports that is free, else on any; say which."""
    ports = [port for port in wanted if port]
    for port in [*ports, 0]:
        try:
            listener = _bind(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            _log.warning("port %d of %s cannot be used: %s", port, host, error.strerror)
            continue
        found = listener.getsockname()[1]
        taken = ports[0] if ports and ports[0] != found else None
        write_record(folder / "address.json", {"host": host, "port": found, "taken": taken})
        return listener
    raise OSError(errno.EADDRINUSE, f"no port of {host} is free")


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # so that a port that another listens on is found out now
    except OSError:
        listener.close()
        raise
    return listener


def _gateway(folder: Path, settings: dict[str, Any]) -> Gateway:
    internal = read_record(folder / "internal.json")
    if internal is None:
        raise FileNotFoundError(f"{folder / 'internal.json'} is missing")
    hosts = LOOPBACK_NAMES | {str(name).lower() for name in settings.get("allowed_hosts", [])}
    key_hash = sha256(str(internal["key"]).encode()).hexdigest()
    return Gateway(RouteTable(folder / "routes.json"), hosts, key_hash)


def _configuration(gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        gateway,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )


def _raise_file_limit() -> None:
    """A connection is a file: take as many as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
