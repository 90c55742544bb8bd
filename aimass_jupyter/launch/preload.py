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

_OURS = ("aimass_jupyter.training.rank", "aimass_jupyter.training.loop")
_OF_ENGINE = {"single": (), "horovod": ("horovod.torch",), "torchrun": ("torch.distributed",)}


def preload(engine: str) -> None:
    """Import what the ranks of an engine need before their first step."""
    one_thread()
    for name in (*_OURS, *_OF_ENGINE[engine]):
        import_module(name)
    gc.collect()
    gc.freeze()  # the ranks share these pages: a collection in one of them leaves them alone


def one_thread() -> None:
    """Have libraries that are loaded from now on start no threads of their own.

    ``PYTORCH_NVML_BASED_CUDA_CHECK`` lets torch count GPUs without starting CUDA, which no fork
    survives.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
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
