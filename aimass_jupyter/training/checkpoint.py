"""Checkpoints: what training goes on from after an interruption. One safetensors file each.

A file is written whole or not at all, and a damaged one is passed over for the one before it. It
says after which step it was taken, and holds tensors by name and a little JSON; whose they are is
no business of this module. Order of rows, random numbers and step size follow from the step and
the seed, so they are in none, and a checkpoint can be gone on from by any number of ranks.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import write_bytes

KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """A state that can be gone on from.

    Attributes
    ----------
    step
        How many steps were done.
    tensors
        By name; those of one part of the state have a prefix in common.
    meta
        What is no tensor: anything that JSON can say.
    """

    step: int
    tensors: dict[str, Tensor]
    meta: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return it as a file holds it."""
        about = json.dumps({"step": self.step, "meta": self.meta})
        return save(self.tensors, {"aimass": about})

    @classmethod
    def decode(cls, content: bytes) -> Checkpoint:
        """Rebuild it.

        Raises
        ------
        ValueError
            When the content is damaged.
        """
        try:
            tensors = load(content)
            header = content[8 : 8 + int.from_bytes(content[:8], "little")]
            about = json.loads(json.loads(header)["__metadata__"]["aimass"])
            return cls(int(about["step"]), tensors, dict(about["meta"]))
        except (SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"not a checkpoint: {error}") from error

    def restore(self, held: Mapping[str, Tensor]) -> None:
        """Copy its tensors into those of the same names, in place.

        Raises
        ------
        InvalidRequest
            When names or shapes are others: it is the state of something else.
        """
        if {n: t.shape for n, t in held.items()} != {n: t.shape for n, t in self.tensors.items()}:
            raise InvalidRequest("the checkpoint is of another network or optimizer",
                                 "train under a new name")  # fmt: skip
        for name, tensor in held.items():
            tensor.detach().copy_(self.tensors[name])


class Checkpoints:
    """The checkpoints in a folder, newest last; so many are kept."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        self._folder = folder
        self._kept = kept
        self._writing: threading.Thread | None = None
        self._failure: BaseException | None = None

    def save(
        self, step: int, tensors: Mapping[str, Tensor], meta: Mapping[str, Any] | None = None
    ) -> None:
        """Write one, durably, and let old ones go.

        Raises
        ------
        OSError
            When the disk is full; the ones before it are untouched.
        """
        self._write(Checkpoint(step, copied(tensors), dict(meta or {})))

    def save_aside(
        self, step: int, tensors: Mapping[str, Tensor], meta: Mapping[str, Any] | None = None
    ) -> None:
        """Copy the state now and write it while training goes on.

        Raises
        ------
        OSError
            When the one before it could not be written.
        """
        checkpoint = Checkpoint(step, copied(tensors), dict(meta or {}))
        self.wait()
        self._writing = threading.Thread(
            target=self._write_aside, args=(checkpoint,), name="checkpoint", daemon=True
        )
        self._writing.start()

    def wait(self) -> None:
        """Return when what was begun is written.

        Raises
        ------
        OSError
            When it could not be.
        """
        if self._writing is not None:
            self._writing.join()
            self._writing = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def newest(self) -> Checkpoint | None:
        """Read the newest one that is whole."""
        for path in reversed(self._paths()):
            try:
                return Checkpoint.decode(path.read_bytes())
            except ValueError as damaged:
                print(f"checkpoint {path.name} is passed over: {damaged}")
        return None

    def _write_aside(self, checkpoint: Checkpoint) -> None:
        try:
            self._write(checkpoint)
        except (OSError, SafetensorError) as error:  # told by wait, to the thread that trains
            self._failure = error

    def _write(self, checkpoint: Checkpoint) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"step-{checkpoint.step:09d}.safetensors"
        write_bytes(self._folder / name, checkpoint.encode())
        for path in self._paths()[: -self._kept]:
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("step-*.safetensors"))

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.wait()
        elif self._writing is not None:  # the newest good state outlives whatever went wrong
            self._writing.join()


class Due:
    """When the next checkpoint is due: after so many steps, seconds, epochs, or when asked for."""

    def __init__(
        self,
        steps: int | None,
        seconds: float | None,
        epochs: int,
        asked: Callable[[], bool] = lambda: False,
    ) -> None:
        self._asked = asked
        self._steps = steps
        self._seconds = seconds
        self._epochs = epochs
        self._last = time.monotonic()

    def after_step(self, done: int) -> bool:
        """Whether one is due after so many steps."""
        by_steps = self._steps is not None and done % self._steps == 0
        return self._taken(by_steps or self._late() or self._asked())

    def after_epoch(self, done: int, steps: int, *, last: bool) -> bool:
        """Whether one is due after so many epochs of so many steps each."""
        by_steps = self._steps is not None and done * steps % self._steps == 0
        return self._taken(
            last or done % self._epochs == 0 or by_steps or self._late() or self._asked()
        )

    def _late(self) -> bool:
        return self._seconds is not None and time.monotonic() - self._last >= self._seconds

    def _taken(self, due: bool) -> bool:
        if due:
            self._last = time.monotonic()
        return due


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies in this machine's memory, that nothing changes any more."""
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}


def settings_digest(spec: JobSpec) -> str:
    """Digest of all that decides what is learnt; ranks and the order of sums are none of it."""
    fields = spec.model_dump(include={"algorithm", "params", "seed", "dataset_digest", "label"})
    fields["params"].pop("layout", None)
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
