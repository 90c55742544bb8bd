"""Meetings: where the ranks of an attempt find each other, and what their environment says of it.

The place to meet is a process of its own, forked before the ranks: the one that forks them has no
second thread, ever. It listens on loopback alone.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.rendezvous import Rendezvous

LOOPBACK = "127.0.0.1"
_STALL_SECONDS = 600

Environments = list[dict[str, str]]


@contextmanager
def meeting(engine: str, np: int, attempt: int, run_id: str) -> Iterator[Environments]:
    """Open the meeting of an attempt; gives what the environment of each rank says of it."""
    if engine == "single":
        yield [{}]
        return
    listener = socket.create_server((LOOPBACK, 0), backlog=128)
    descriptor, port = listener.detach(), 0
    port = _port(descriptor)
    serve: Callable[[int, int], None] = _serve_horovod if engine == "horovod" else _serve_torch
    newborn = Newborn(
        "aimass-meeting", dict(os.environ), Path.cwd(), keep={descriptor}, bound=True
    )  # fmt: skip
    host = fork(newborn, lambda: serve(descriptor, np))
    os.close(descriptor)
    try:
        if engine == "horovod":
            yield [_horovod(rank, np, port) for rank in range(np)]
        else:
            yield [_torch(rank, np, port, attempt, run_id) for rank in range(np)]
    finally:
        os.kill(host, signal.SIGKILL)  # it is our child, and nobody else collects it
        os.waitpid(host, 0)


def _port(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        return int(listener.getsockname()[1])


def _horovod(rank: int, np: int, port: int) -> dict[str, str]:
    """What ``horovodrun`` says to a rank on one host."""
    return {
        "HOROVOD_HOSTNAME": "localhost",
        "HOROVOD_RANK": str(rank),
        "HOROVOD_SIZE": str(np),
        "HOROVOD_LOCAL_RANK": str(rank),
        "HOROVOD_LOCAL_SIZE": str(np),
        "HOROVOD_CROSS_RANK": "0",
        "HOROVOD_CROSS_SIZE": "1",
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": LOOPBACK,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(port),
        "HOROVOD_GLOO_IFACE": "lo",
        "HOROVOD_GLOO_TIMEOUT_SECONDS": str(_STALL_SECONDS),
        "NCCL_SOCKET_IFNAME": "lo",
    }


def _torch(rank: int, np: int, port: int, attempt: int, run_id: str) -> dict[str, str]:
    """What ``torchrun`` says to a rank on one host; its agent holds the store, as ours does."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "ROLE_RANK": str(rank),
        "ROLE_NAME": "default",
        "WORLD_SIZE": str(np),
        "LOCAL_WORLD_SIZE": str(np),
        "GROUP_WORLD_SIZE": "1",
        "ROLE_WORLD_SIZE": str(np),
        "MASTER_ADDR": LOOPBACK,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": run_id,
        "TORCHELASTIC_RESTART_COUNT": str(attempt),
        "TORCHELASTIC_MAX_RESTARTS": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def _serve_torch(descriptor: int, np: int) -> None:
    """Hold the store of ``env://`` until the process is ended."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    store = TCPStore(
        LOOPBACK, _port(descriptor), np, is_master=True, wait_for_workers=False,
        master_listen_fd=descriptor,
    )  # fmt: skip
    signal.pause()
    del store


def _serve_horovod(descriptor: int, np: int) -> None:
    """Be Horovod's rendezvous until the process is ended."""
    Rendezvous(descriptor, {"localhost": np}).serve_forever()
