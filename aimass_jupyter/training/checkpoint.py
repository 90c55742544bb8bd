"""Checkpoints: what training goes on from after an interruption. One safetensors file each.

A file is written whole or not at all, and a damaged one is passed over for the one before it. The
step size and the order of rows follow from the epoch and the seed, so they are not in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.host import write_bytes
from aimass_jupyter.training.optimizer import Optimizer

KEPT = 2
_NETWORK, _OPTIMIZER = "network.", "optimizer."


@dataclass(frozen=True)
class State:
    """What a checkpoint holds."""

    epoch: int
    settings: str
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, epoch: int, settings: str, network: nn.Module, optimizer: Optimizer) -> State:
        """Take the state after so many epochs."""
        named = {_NETWORK + name: tensor for name, tensor in network.state_dict().items()}
        named |= {_OPTIMIZER + name: tensor for name, tensor in optimizer.state.items()}
        tensors = {name: tensor.detach().cpu().clone() for name, tensor in named.items()}
        return cls(epoch, settings, tensors)

    def restore(self, network: nn.Module, optimizer: Optimizer) -> None:
        """Put it back, in place.

        Raises
        ------
        InvalidRequest
            When it is the state of another network or optimizer.
        """
        held = dict(network.state_dict(prefix=_NETWORK))
        held |= {_OPTIMIZER + name: tensor for name, tensor in optimizer.state.items()}
        if {n: t.shape for n, t in held.items()} != {n: t.shape for n, t in self.tensors.items()}:
            raise InvalidRequest("the checkpoint is of another network or optimizer",
                                 "train under a new name")  # fmt: skip
        for name, tensor in held.items():
            tensor.copy_(self.tensors[name])

    def encode(self) -> bytes:
        """Return it as a file holds it."""
        about = json.dumps({"epoch": self.epoch, "settings": self.settings})
        return save(self.tensors, {"aimass": about})

    @classmethod
    def decode(cls, content: bytes) -> State:
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
            return cls(int(about["epoch"]), str(about["settings"]), tensors)
        except (SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"not a checkpoint: {error}") from error


class Checkpoints:
    """The checkpoints of one job, newest last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, state: State) -> None:
        """Write one, durably, and let old ones go.

        Raises
        ------
        OSError
            When the disk is full; the ones before it are untouched.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        write_bytes(self._folder / f"epoch-{state.epoch:06d}.safetensors", state.encode())
        for path in self._paths()[:-KEPT]:
            path.unlink()

    def newest(self) -> State | None:
        """Read the newest one that is whole."""
        for path in reversed(self._paths()):
            try:
                return State.decode(path.read_bytes())
            except ValueError as damaged:
                print(f"checkpoint {path.name} is passed over: {damaged}")
        return None

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("epoch-*.safetensors"))


def settings_digest(spec: JobSpec) -> str:
    """Digest of all that decides what is learnt; the number of ranks is none of it."""
    fields = spec.model_dump(include={"algorithm", "params", "seed", "dataset_digest", "label"})
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
