"""A script for horovodrun or torchrun: one distributed step, then rank 0 says when it was done.

It is what the submit benchmarks run, the same under the product and under its peers.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn


def main(answer: Path) -> None:
    """Take one step with the launcher that started this."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    take_step = with_horovod if "HOROVOD_RANK" in os.environ else with_ddp
    take_step(model, lambda rank: rank or answer.write_text(str(time.time())))


def with_horovod(model: nn.Module, done: Callable[[int], object]) -> None:
    """Step with Horovod."""
    import horovod.torch as hvd

    hvd.init()
    hvd.broadcast_parameters(model.state_dict(), root_rank=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters())
    step(model, optimizer)
    done(hvd.rank())
    hvd.shutdown()


def with_ddp(model: nn.Module, done: Callable[[int], object]) -> None:
    """Step with torch.distributed."""
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    distributed.init_process_group("gloo")
    parallel = DistributedDataParallel(model)
    step(parallel, torch.optim.SGD(parallel.parameters(), lr=0.1))
    done(distributed.get_rank())
    distributed.barrier()
    distributed.destroy_process_group()


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """One step on random rows."""
    inputs, targets = torch.randn(32, 64), torch.randint(10, (32,))
    nn.functional.cross_entropy(model(inputs), targets).backward()
    optimizer.step()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
