"""One model on many ranks: the same weights, averaged gradients, each batch shared out.

What is averaged is rows, not ranks: a step over a batch is the same step on any number of ranks, as
far as sums of floating-point numbers are. The loss must be the mean over the rows that it is given.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.training.checkpoint import copied
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.loss_guard import GradientGuard
from aimass_jupyter.training.run_state import pack_state, restore_state

DRY_ROWS = 8


@dataclass(frozen=True)
class Distributed:
    """What was given, as all ranks together use it."""

    model: nn.Module
    optimizer: Any
    loader: Any


def distribute(
    engine: Engine,
    model: nn.Module,
    optimizer: Any,
    loader: Any,
    *,
    dry_run: bool,
    guard: GradientGuard | None,
) -> Distributed:
    """Give all ranks the same state, and let them step together.

    Parameters
    ----------
    guard
        Looks at the averaged gradients before each step; None lets all of them pass.

    Raises
    ------
    InvalidRequest
        When one of them is nothing that can be distributed.
    """
    _check_kinds(model, optimizer, loader)
    model.to(engine.device)
    send_state(engine, model, optimizer)
    batches = None if loader is None else Batches(loader, engine, dry_run)
    if optimizer is not None and engine.place.size > 1:
        averaging = _Averaging(engine, optimizer, batches)
        optimizer.register_step_pre_hook(averaging.before_step)
    if optimizer is not None and guard is not None:
        optimizer.register_step_pre_hook(lambda *_: guard.look(parameters_of(optimizer)))
    return Distributed(model, optimizer, batches)


def _check_kinds(model: Any, optimizer: Any, loader: Any) -> None:
    if not isinstance(model, nn.Module):
        raise InvalidRequest(
            f"run.distribute takes a torch model first, not a {type(model).__name__}",
            "run.distribute(model, optimizer, loader)",
        )
    if optimizer is not None and not isinstance(optimizer, torch.optim.Optimizer):
        raise InvalidRequest(
            f"run.distribute takes a torch optimizer second, not a {type(optimizer).__name__}",
            "run.distribute(model, optimizer, loader)",
        )
    if loader is not None and not hasattr(loader, "__iter__"):
        raise InvalidRequest(
            f"run.distribute takes a loader third, not a {type(loader).__name__}",
            "give a torch DataLoader, or anything that gives batches",
        )


def send_state(engine: Engine, model: nn.Module, optimizer: Any) -> None:
    """Give every rank the weights, and the optimizer's state, of rank 0."""
    if engine.place.size == 1:
        return
    parts = {"model": model} if optimizer is None else {"model": model, "optimizer": optimizer}
    content, meta = b"", b""
    if engine.place.rank == 0:
        tensors, about = pack_state(parts)
        content, meta = save(copied(tensors)), json.dumps(about).encode()
    about_all = json.loads(engine.broadcast(meta))
    restore_state(load(engine.broadcast(content)), about_all, parts)


class Batches:
    """A loader whose batches are shared out: each rank gets its part of every one.

    A torch ``DataLoader`` over a sized data set is cut row by row, in the order that rank 0 draws.
    Of any other loader, each rank takes every size-th batch, whole.
    """

    def __init__(self, loader: Any, engine: Engine, dry_run: bool) -> None:
        self.epochs: int | None = None
        self.weight = 1.0 / engine.place.size
        self._engine = engine
        self._dry_run = dry_run
        self._begun = 0
        self._done = 0
        self._shares: _Shares | None = None
        self._loader = loader
        if isinstance(loader, DataLoader) and _can_be_cut(loader):
            self._shares = _Shares(loader.batch_sampler, engine, dry_run)
            self._loader = _with_batches(loader, self._shares)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._loader) // (1 if self._shares else self._engine.place.size)

    def __iter__(self) -> Iterator[Any]:
        self._begun += 1
        self._done = 0
        source = iter(self._loader) if self._shares else self._every_size_th()
        for batch in source:
            if self._shares:
                self.weight = self._shares.weights[self._done]
            yield _to(batch, self._engine.device)
            self._done += 1
            if self._dry_run:
                return

    def __getattr__(self, name: str) -> Any:
        """All else is the loader's own: ``dataset``, ``batch_size``, …"""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)

    @property
    def fraction(self) -> float | None:
        """How far the epochs are; None when nobody said how many there are."""
        if self.epochs is None:
            return None
        try:
            length = max(1, len(self))
        except TypeError:
            return None
        return min(1.0, (self._begun - 1 + (self._done + 1) / length) / self.epochs)

    def _every_size_th(self) -> Iterator[Any]:
        """This rank's of each group of batches; an incomplete last group is left out."""
        place = self._engine.place
        mine = None
        for number, batch in enumerate(self._loader):
            if number % place.size == place.rank:
                mine = batch
            if number % place.size == place.size - 1:
                yield mine


def _can_be_cut(loader: DataLoader[Any]) -> bool:
    return loader.batch_sampler is not None and not isinstance(loader.dataset, IterableDataset)


def _with_batches(loader: DataLoader[Any], shares: _Shares) -> DataLoader[Any]:
    """A loader like this one, over other batches of rows."""
    return DataLoader(
        loader.dataset,
        batch_sampler=shares,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=copy.copy(loader.generator),
        persistent_workers=loader.persistent_workers,
    )


class _Shares:
    """This rank's rows of each batch; the weight of each says which part of the batch they are."""

    def __init__(self, sampler: Any, engine: Engine, dry_run: bool) -> None:
        self._sampler = sampler
        self._engine = engine
        self._dry_run = dry_run
        self.weights: list[float] = []

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[list[int]]:
        self.weights = []
        place = self._engine.place
        for batch in self._batches_of_epoch():
            share = batch[place.rank :: place.size]
            self.weights.append(len(share) / len(batch))
            yield share or batch[:1]  # a rank without a row steps along, with a weight of nothing

    def _batches_of_epoch(self) -> Iterator[list[int]]:
        """Rank 0's batches, for all ranks: only one may draw what is random."""
        if self._engine.place.size == 1:
            yield from self._drawn()
            return
        own = self._engine.place.rank == 0
        drawn = list(self._drawn()) if own else []
        lengths = self._send([len(batch) for batch in drawn])
        rows = self._send([row for batch in drawn for row in batch])
        start = 0
        for length in lengths:
            yield rows[start : start + length]
            start += length

    def _drawn(self) -> Iterator[list[int]]:
        for batch in self._sampler:
            yield [int(row) for row in batch][: DRY_ROWS if self._dry_run else None]
            if self._dry_run:
                return

    def _send(self, numbers: list[int]) -> list[int]:
        content = torch.tensor([*numbers, 0], dtype=torch.int64).numpy().tobytes()
        found = bytearray(self._engine.broadcast(content))
        whole: list[int] = torch.frombuffer(found, dtype=torch.int64).tolist()
        return whole[:-1]  # the last one is there because nothing cannot be sent


class _Averaging:
    """Averages the gradients of all ranks in one sum, before each step of an optimizer.

    Behind the gradients travel the weight of each rank's rows, and which gradients there are: one
    that no rank has stays absent.
    """

    def __init__(self, engine: Engine, optimizer: Any, batches: Batches | None) -> None:
        self._engine = engine
        self._optimizer = optimizer
        self._batches = batches

    def before_step(self, _: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Average what the step will take.

        Raises
        ------
        InvalidRequest
            When a closure makes the gradients within the step: each rank would take its own.
        """
        if any(part is not None for part in (*arguments[1:], named.get("closure"))):
            raise InvalidRequest(
                f"{type(self._optimizer).__name__}.step(closure) makes its gradients where ranks "
                "cannot average them",
                "call loss.backward() before optimizer.step(), or train on one rank: --np 1",
            )
        self.average()

    def average(self) -> None:
        parameters = parameters_of(self._optimizer)
        # Not asked for its truth: that is its length, which an endless loader has not.
        batches = self._batches
        weight = 1.0 / self._engine.place.size if batches is None else batches.weight
        present = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32)
        about = torch.cat([torch.tensor([weight]), present]).to(self._engine.device)
        flat = torch.cat([about, *(_flat(p) * weight for p in parameters)])
        self._engine.add(flat)
        self._put_back(parameters, flat)

    def _put_back(self, parameters: list[Tensor], flat: Tensor) -> None:
        start = 1 + len(parameters)
        total = float(flat[0])
        there = flat[1:start].cpu().tolist()
        for parameter, present in zip(parameters, there, strict=True):
            stretch = flat[start : start + parameter.numel()]
            start += parameter.numel()
            if present:
                mean = (stretch / total).view_as(parameter).to(parameter.dtype)
                parameter.grad = _as_it_was(parameter.grad, mean)


def parameters_of(optimizer: Any) -> list[Tensor]:
    """What an optimizer moves, group after group."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _flat(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        return parameter.new_zeros(parameter.numel(), dtype=torch.float32)
    gradient = parameter.grad.detach()
    return (gradient.to_dense() if gradient.is_sparse else gradient).reshape(-1).float()


def _as_it_was(gradient: Tensor | None, mean: Tensor) -> Tensor:
    """The mean in the place of a gradient; sparse where that is, as its optimizer needs it."""
    if gradient is None:
        return mean
    return mean.to_sparse(gradient.sparse_dim()) if gradient.is_sparse else gradient.copy_(mean)


def _to(batch: Any, device: torch.device) -> Any:
    """A batch on a device: tensors in lists, tuples and mappings are moved."""
    if device.type == "cpu":
        return batch
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _to(part, device) for name, part in batch.items()}
    if isinstance(batch, list | tuple):
        return type(batch)(_to(part, device) for part in batch)
    return batch
