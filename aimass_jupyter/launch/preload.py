"""Preloading: what ranks import, imported once by the process that forks them.

It leaves that process fit to fork: one thread, no CUDA, no collective, nothing drawn from a random
state.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from aimass_jupyter.launch.launchers import available_engines

_OURS = ("aimass_jupyter.training.rank", "aimass_jupyter.training.loop")
_OF_ENGINE = {"single": (), "horovod": ("horovod.torch",), "torchrun": ("torch.distributed",)}
#: What is imported later, by the calls that need it.
_LATER = ("torch.nn.parallel.distributed", "torch.utils.data.distributed")


def preload(engine: str) -> None:
    """Import what the ranks of an engine need before their first step."""
    one_thread()
    for name in (*_OURS, *_OF_ENGINE[engine]):
        import_module(name)
    gc.collect()
    gc.freeze()  # the ranks share these pages: a collection in one of them leaves them alone


def preload_all() -> None:
    """Import what any job needs that this environment has the engine for, and do one step."""
    one_thread()
    for engine, reason in available_engines().items():
        for name in () if reason else (*_OURS, *_OF_ENGINE.get(engine, ())):
            import_module(name)
    for name in _LATER:
        import_module(name)
    throw_away_step()
    gc.collect()
    gc.freeze()


def throw_away_step() -> None:
    """Do an optimizer step on nothing: the first one alone imports torch's compiler.

    The gradient is made by hand where torch was built for CUDA: its backward would start threads
    for each GPU.
    """
    import torch

    layer = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(layer.parameters())
    if torch.version.cuda is None:
        layer(torch.zeros(1, 2)).sum().backward()
    else:
        for parameter in layer.parameters():
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()


def one_thread() -> None:
    """Have libraries that are loaded from now on start no threads of their own.

    ``PYTORCH_NVML_BASED_CUDA_CHECK`` lets torch count GPUs without starting CUDA, which no fork
    survives.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # Arrow's allocator
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"


def use_threads(count: int) -> None:
    """Let this process, a fork, compute on so many threads."""
    import torch

    torch.set_num_threads(count)
    if count > 1 and find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_limits

        threadpool_limits(count, user_api="blas")


def unfit_to_fork() -> str:
    """Why a fork of this process could go wrong; empty when it could not."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        return f"it has {threads} threads"
    import torch

    return "CUDA is initialised" if torch.cuda.is_initialized() else ""
