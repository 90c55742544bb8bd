"""Orders: what a supervisor is asked to run, as read from its folder. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.host import read_record
from aimass_jupyter.launch.logs import CAP_BYTES

TRAINING = "training"
DEFAULT_GRACE_SECONDS = 10.0
DEFAULT_STALL_SECONDS = 600.0


@dataclass(frozen=True)
class Marker:
    """The environment variable by which every process of an order is found again."""

    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Marker:
        name, separator, value = text.partition("=")
        if not (name.isidentifier() and separator and value):
            raise InvalidRequest(f"'{text}' is no marker", "write it as NAME=value")
        return cls(name, value)

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True)
class JobOrder:
    """What a launcher needs to know of a job (part of the contract's ``JobSpec``).

    ``where`` its ranks are: on this host, on nodes, or, on such a node, the part that is there.
    ``memory`` is what each rank may take in bytes, 0 without a limit; ``devices`` are the GPUs of
    this host that are its own, None where nobody said.
    """

    id: str
    engine: str
    np: int
    python: str
    min_np: int = 0
    max_np: int = 0
    max_restarts: int = 0
    stall_seconds: float = DEFAULT_STALL_SECONDS
    own_code: bool = False
    kind: str = TRAINING
    memory: int = 0
    devices: tuple[int, ...] | None = None
    where: Literal["here", "nodes", "part"] = "here"

    @property
    def trains(self) -> bool:
        """Whether it is training, and not other work of the queue."""
        return self.kind == TRAINING

    @property
    def elastic(self) -> bool:
        """Whether it goes on with fewer ranks, or takes more."""
        return bool(self.min_np or self.max_np)

    @property
    def least(self) -> int:
        """The fewest ranks that it goes on with."""
        return self.min_np or self.np


@dataclass(frozen=True)
class CommandOrder:
    """One program to run."""

    argv: list[str]
    cwd: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """An order with what both kinds have."""

    folder: Path
    work: JobOrder | CommandOrder
    marker: Marker
    grace_seconds: float
    most_seconds: float | None = None
    log_bytes: int = CAP_BYTES


def read_order(folder: Path) -> Order:
    """Read the order of a folder.

    Raises
    ------
    InvalidRequest
        When ``launch.json`` or ``spec.json`` is missing or lacks a key.
    """
    launch = _require(folder / "launch.json")
    try:
        work = _work(folder, launch)
        grace = float(launch.get("grace_seconds", DEFAULT_GRACE_SECONDS))
        most = launch.get("most_seconds")
        log_bytes = int(launch.get("log_bytes", CAP_BYTES))
        return Order(folder, work, Marker.parse(launch["marker"]), grace, most, log_bytes)
    except KeyError as missing:
        raise InvalidRequest(f"the order in {folder} has no {missing}") from None


def _work(folder: Path, launch: dict[str, Any]) -> JobOrder | CommandOrder:
    if launch["kind"] == "job":
        return read_job(folder)
    if launch["kind"] != "command":
        raise InvalidRequest(f"kind '{launch['kind']}' is unknown", "known: job, command")
    return CommandOrder(
        argv=[str(part) for part in launch["argv"]],
        cwd=Path(launch.get("cwd") or folder),
        log=folder / launch.get("log", "log/process.log"),
        environment=launch.get("environment", {}),
    )


def read_job(folder: Path) -> JobOrder:
    """Read what a launcher needs of a job's spec."""
    spec = _require(folder / "spec.json")
    options = spec.get("options", {})
    return JobOrder(
        id=spec["id"],
        engine=spec["engine"],
        np=int(spec["np"]),
        python=spec["python"],
        min_np=int(options.get("min_np") or 0),
        max_np=int(options.get("max_np") or 0),
        max_restarts=int(options.get("max_restarts", 0)),
        own_code=spec.get("source") is not None,
        kind=spec.get("kind", TRAINING),
        memory=int(options.get("memory") or 0),
        devices=None if spec.get("devices") is None else tuple(spec["devices"]),
        where="part" if spec.get("part") else "nodes" if spec.get("places") else "here",
        stall_seconds=float(options.get("stall_seconds", DEFAULT_STALL_SECONDS)),
    )


def _require(path: Path) -> dict[str, Any]:
    record = read_record(path)
    if record is None:
        raise InvalidRequest(f"{path} is missing", "write it before the supervisor is started")
    return record
