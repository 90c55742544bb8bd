"""A part: the ranks of a job that are on one node, and where they meet those of the others.

The first node opens the meeting, on its own address alone, and says where in ``meeting.json``; on
the others that file comes from the leader.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimass_jupyter.contract.errors import Expired, Unavailable
from aimass_jupyter.host import read_record, write_record
from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.nodes.facts import interface_of
from aimass_jupyter.launch.rendezvous import Rendezvous

MEETING_RECORD = "meeting.json"
_MEETING_SECONDS = 120.0
_STALL_SECONDS = 600
_POLL_SECONDS = 0.02

Environments = list[dict[str, str]]


@dataclass(frozen=True)
class Part:
    """Which ranks are here.

    Attributes
    ----------
    index
        Of this node among those of the job.
    hosts, counts
        Names of all nodes in the order of ranks, and how many ranks each has.
    address
        Of this node, where the others reach it.
    """

    index: int
    hosts: tuple[str, ...]
    counts: tuple[int, ...]
    address: str
    attempt: int = 0

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> Part:
        """Read it as the spec of a part has it."""
        fields = dict(record)
        fields["hosts"] = tuple(fields["hosts"])  # type: ignore[arg-type]
        fields["counts"] = tuple(fields["counts"])  # type: ignore[arg-type]
        return cls(**fields)  # type: ignore[arg-type]

    @property
    def first(self) -> int:
        """The first rank that is here."""
        return sum(self.counts[: self.index])

    @property
    def ranks(self) -> range:
        """The ranks that are here."""
        return range(self.first, self.first + self.counts[self.index])

    @property
    def size(self) -> int:
        """All ranks of the job."""
        return sum(self.counts)


@contextmanager
def meet(part: Part, engine: str, run_id: str, folder: Path) -> Iterator[Environments]:
    """Open the meeting, or wait until it is open; what the environment of each rank says of it."""
    if engine == "single":
        yield _environments(part, engine, run_id, "", 0)
        return
    if part.index:
        yield _environments(part, engine, run_id, *_wait_for(folder))
        return
    listener = socket.create_server((part.address, 0), backlog=128)
    port = int(listener.getsockname()[1])
    descriptor = listener.detach()
    serve = _serve_horovod if engine == "horovod" else _serve_torch
    newborn = Newborn("aimass-meeting", dict(os.environ), folder, keep={descriptor})
    host = fork(newborn, partial(serve, descriptor, part))
    os.close(descriptor)
    try:
        write_record(folder / MEETING_RECORD, {"address": part.address, "port": port})
        yield _environments(part, engine, run_id, part.address, port)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it ended, and was seen
            os.kill(host, signal.SIGKILL)
            os.waitpid(host, 0)


def _wait_for(folder: Path) -> tuple[str, int]:
    deadline = time.monotonic() + _MEETING_SECONDS
    while (found := read_record(folder / MEETING_RECORD)) is None:
        if time.monotonic() > deadline:
            raise Expired(f"the first node opened no meeting within {_MEETING_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    return str(found["address"]), int(found["port"])


def _environments(
    part: Part, engine: str, run_id: str, address: str, port: int
) -> Environments:  # fmt: skip
    interface = interface_of(part.address)
    if not interface:
        raise Unavailable(f"no interface of this node has the address {part.address}")
    count = part.counts[part.index]
    threads = str(max(1, len(os.sched_getaffinity(0)) // count))
    if engine == "single":
        return [{"OMP_NUM_THREADS": threads}]
    environment = _horovod if engine == "horovod" else _torch
    places = [environment(part, local) for local in range(count)]
    shared = _meeting_at(address, port, interface, engine, run_id, part.attempt)
    return [place | shared | {"OMP_NUM_THREADS": threads} for place in places]


def _meeting_at(
    address: str, port: int, interface: str, engine: str, run_id: str, attempt: int
) -> dict[str, str]:
    """What is the same for all ranks of a node."""
    if engine == "horovod":
        return {
            "HOROVOD_CONTROLLER": "gloo",
            "HOROVOD_CPU_OPERATIONS": "gloo",
            "HOROVOD_GLOO_RENDEZVOUS_ADDR": address,
            "HOROVOD_GLOO_RENDEZVOUS_PORT": str(port),
            "HOROVOD_GLOO_IFACE": interface,
            "HOROVOD_GLOO_TIMEOUT_SECONDS": str(_STALL_SECONDS),
            "NCCL_SOCKET_IFNAME": interface,
        }
    return {
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": run_id,
        "TORCHELASTIC_RESTART_COUNT": str(attempt),
        "TORCHELASTIC_MAX_RESTARTS": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "GLOO_SOCKET_IFNAME": interface,
        "NCCL_SOCKET_IFNAME": interface,
    }


def _horovod(part: Part, local: int) -> dict[str, str]:
    """What ``horovodrun -H`` says to a rank of its place."""
    across = [index for index, count in enumerate(part.counts) if count > local]
    return {
        "HOROVOD_HOSTNAME": part.hosts[part.index],
        "HOROVOD_RANK": str(part.first + local),
        "HOROVOD_SIZE": str(part.size),
        "HOROVOD_LOCAL_RANK": str(local),
        "HOROVOD_LOCAL_SIZE": str(part.counts[part.index]),
        "HOROVOD_CROSS_RANK": str(across.index(part.index)),
        "HOROVOD_CROSS_SIZE": str(len(across)),
    }


def _torch(part: Part, local: int) -> dict[str, str]:
    """What ``torchrun`` with a static rendezvous says to a rank of its place."""
    rank = str(part.first + local)
    return {
        "RANK": rank,
        "LOCAL_RANK": str(local),
        "GROUP_RANK": str(part.index),
        "ROLE_RANK": rank,
        "ROLE_NAME": "default",
        "WORLD_SIZE": str(part.size),
        "LOCAL_WORLD_SIZE": str(part.counts[part.index]),
        "GROUP_WORLD_SIZE": str(len(part.counts)),
        "ROLE_WORLD_SIZE": str(part.size),
    }


def _serve_torch(descriptor: int, part: Part) -> None:
    """Hold the store of ``env://`` until the process is ended."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    with socket.socket(fileno=os.dup(descriptor)) as listener:
        port = int(listener.getsockname()[1])
    store = TCPStore(
        part.address, port, part.size, is_master=True, wait_for_workers=False,
        master_listen_fd=descriptor,
    )  # fmt: skip
    signal.pause()
    del store


def _serve_horovod(descriptor: int, part: Part) -> None:
    """Be Horovod's rendezvous until the process is ended."""
    Rendezvous(descriptor, dict(zip(part.hosts, part.counts, strict=True))).serve_forever()
