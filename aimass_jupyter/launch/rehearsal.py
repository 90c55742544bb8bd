"""A rehearsal: a rank that waits takes a step on nothing, so that the real one is quick.

What was imported is shared with the process that forked it; yet each process must find each page
once, and that takes longer than a small step. Nothing of the rehearsal is left: no group, no number
drawn, no name that a job would use.
"""

from __future__ import annotations

import linecache
import runpy
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

_NAME = "aimass.rehearsal."
_CALLED_BY = ("runpy", "aimass_jupyter.training.rank", "aimass_jupyter.training.own_code")


def rehearse(engine: str) -> None:
    """Take a step as a job of this engine would. With Horovod, all ranks do so together."""
    import torch
    from torch import nn

    _run_nothing()
    drawn = torch.get_rng_state()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    {"single": _alone, "horovod": _with_horovod, "torchrun": _with_torch}[engine](model)
    torch.set_rng_state(drawn)


def _run_nothing() -> None:
    """Run a script that only defines something: this one; and read the text of what runs scripts,
    for ``torch.manual_seed`` notes by whom it was called.
    """
    runpy.run_path(__file__)
    for name in _CALLED_BY:
        linecache.getlines(str(import_module(name).__file__))


def _alone(model: nn.Module) -> None:
    import torch

    _step(model, torch.optim.SGD(model.parameters(), lr=0.1))


def _with_horovod(model: nn.Module) -> None:
    import horovod.torch as horovod
    import torch

    named = [(_NAME + name, value) for name, value in model.named_parameters()]
    horovod.broadcast_parameters(named, root_rank=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    _step(model, horovod.DistributedOptimizer(optimizer, named_parameters=named))


def _with_torch(model: nn.Module) -> None:
    """Each rank is alone in a group of its own, which is gone again: scripts find none."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    from aimass_jupyter.training.communicators import keep_communicators

    keep_communicators()
    store = distributed.HashStore()  # type: ignore[attr-defined]
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    parallel = DistributedDataParallel(model)
    _step(parallel, torch.optim.SGD(parallel.parameters(), lr=0.1))
    distributed.destroy_process_group()


def _step(model: nn.Module, optimizer: Optimizer) -> None:
    import torch

    loss = torch.nn.functional.cross_entropy(model(torch.randn(32, 64)), torch.randint(10, (32,)))
    loss.backward()
    optimizer.step()
