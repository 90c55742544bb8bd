"""Engines: what ranks do together. The loop asks for these four things and no others.

Every call is collective: all ranks make the same calls in the same order. One that fails because
another rank is gone raises ``Disconnected``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from aimass_jupyter.training.communicators import keep_communicators
from aimass_jupyter.training.failure import together
from aimass_jupyter.training.place import Place

if TYPE_CHECKING:
    from aimass_jupyter.training.host_group import HostGroup


class Engine(Protocol):
    """A group of ranks, this process one of them.

    Attributes
    ----------
    group
        What the ranks share when all are on this host and on its CPU; else None.
    """

    place: Place
    device: torch.device
    group: HostGroup | None

    def add(self, tensor: Tensor) -> None:
        """Replace the tensor by its sum over all ranks."""

    def add_all(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks; they may travel together."""

    def broadcast(self, content: bytes) -> bytes:
        """Return rank 0's bytes; what other ranks pass is not looked at."""

    def gather(self, tensor: Tensor) -> Tensor:
        """Return the rows of all ranks, rank after rank; they may have different numbers."""

    def shutdown(self) -> None:
        """Leave the group."""


class SingleEngine:
    """One rank, alone."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.device = _device(place)
        self.group: HostGroup | None = None

    def add(self, tensor: Tensor) -> None:
        """Leave it as it is."""

    def add_all(self, tensors: list[Tensor]) -> None:
        """Leave them as they are."""

    def broadcast(self, content: bytes) -> bytes:
        """Return it."""
        return content

    def gather(self, tensor: Tensor) -> Tensor:
        """Return it."""
        return tensor

    def shutdown(self) -> None:
        """There is nothing to leave."""


class HorovodEngine:
    """Ranks that Horovod connects."""

    def __init__(self, place: Place) -> None:
        import horovod.torch as horovod

        self._horovod: Any = horovod
        with together("the meeting of all ranks"):
            horovod.init()
        self.place = place
        self.device = _device(place)
        self.group: HostGroup | None = None

    def add(self, tensor: Tensor) -> None:
        """Sum in place; one name, so that Horovod keeps one slot for it."""
        with together("allreduce 'sum'"):
            self._horovod.allreduce_(tensor, name="sum", op=self._horovod.Sum)

    def add_all(self, tensors: list[Tensor]) -> None:
        """Hand all over, and let Horovod fuse what it will."""
        with together("allreduce 'pieces'"):
            begun = [
                self._horovod.allreduce_async_(one, name=f"piece.{i}", op=self._horovod.Sum)
                for i, one in enumerate(tensors)
            ]
            for handle in begun:
                self._horovod.synchronize(handle)

    def broadcast(self, content: bytes) -> bytes:
        """Send the length, then the bytes."""
        with together("broadcast 'content'"):
            size = self._horovod.broadcast(torch.tensor([len(content)]), root_rank=0, name="size")
            buffer = _as_tensor(content, int(size), self.place.rank)
            return _as_bytes(self._horovod.broadcast(buffer, root_rank=0, name="content"))

    def gather(self, tensor: Tensor) -> Tensor:
        """Concatenate."""
        with together("allgather 'rows'"):
            gathered: Tensor = self._horovod.allgather(tensor, name="rows")
        return gathered

    def shutdown(self) -> None:
        """End Horovod's thread and connections."""
        self._horovod.shutdown()


class TorchrunEngine:
    """Ranks that ``torchrun`` started: NCCL when each has a GPU of its own, else gloo."""

    def __init__(self, place: Place) -> None:
        import torch.distributed as distributed

        keep_communicators()
        self._distributed: Any = distributed
        self.place = place
        self.device = _device(place)
        self.group: HostGroup | None = None
        own_gpu = self.device.type == "cuda" and place.local_size <= torch.cuda.device_count()
        with together("the meeting of all ranks"):
            distributed.init_process_group("nccl" if own_gpu else "gloo")

    def add(self, tensor: Tensor) -> None:
        """Sum in place."""
        with together("allreduce 'sum'"):
            self._distributed.all_reduce(tensor)

    def add_all(self, tensors: list[Tensor]) -> None:
        """Have all on their way before the first is waited for."""
        with together("allreduce 'pieces'"):
            begun = [self._distributed.all_reduce(one, async_op=True) for one in tensors]
            for work in begun:
                work.wait()

    def broadcast(self, content: bytes) -> bytes:
        """Send the length, then the bytes."""
        size = torch.tensor([len(content)], device=self.device)
        with together("broadcast 'content'"):
            self._distributed.broadcast(size, src=0)
            buffer = _as_tensor(content, int(size), self.place.rank).to(self.device)
            self._distributed.broadcast(buffer, src=0)
        return _as_bytes(buffer)

    def gather(self, tensor: Tensor) -> Tensor:
        """Pad to the longest, gather, cut again: the back-ends take equal shapes only."""
        counts = torch.zeros(self.place.size, dtype=torch.int64, device=self.device)
        counts[self.place.rank] = len(tensor)
        self.add(counts)
        padded = tensor.new_zeros((int(counts.max()), *tensor.shape[1:]))
        padded[: len(tensor)] = tensor
        parts = [torch.empty_like(padded) for _ in range(self.place.size)]
        with together("allgather 'rows'"):
            self._distributed.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts.tolist(), strict=True)])

    def shutdown(self) -> None:
        """Destroy the process group."""
        self._distributed.destroy_process_group()


_ENGINES: dict[str, type[SingleEngine | HorovodEngine | TorchrunEngine]] = {
    "single": SingleEngine,
    "horovod": HorovodEngine,
    "torchrun": TorchrunEngine,
}


def connect(name: str, place: Place, *, share: bool = True) -> Engine:
    """Join the other ranks; returns when all are there.

    With ``share`` the ranks of one host may share memory: what a rank that dies leaves in it is
    half done.
    """
    from aimass_jupyter.training.host_group import meet_on_host

    engine: Engine = _ENGINES[name](place)
    engine.group = meet_on_host(engine) if share else None
    return engine


def _device(place: Place) -> torch.device:
    """The GPU of this rank, shared when there are fewer than ranks; else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", place.local_rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


def _as_tensor(content: bytes, size: int, rank: int) -> Tensor:
    if rank == 0:
        return torch.frombuffer(bytearray(content), dtype=torch.uint8)
    return torch.empty(size, dtype=torch.uint8)


def _as_bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().numpy().tobytes()
