"""Preloading: what ranks import, imported once by the process that forks them.

It leaves that process fit to fork: one thread, no CUDA, no collective, nothing drawn from a random
state.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from aimass_jupyter.launch.launchers import available_engines
from aimass_jupyter.launch.pages import use_large_pages

_RANK = "aimass_jupyter.training.rank"
_OUR_CODE, _OWN_CODE = "aimass_jupyter.training.loop", "aimass_jupyter.training.own_code"
_OF_ENGINE = {
    "single": (),
    "horovod": ("horovod.torch", "aimass_jupyter.launch.rendezvous"),
    "torchrun": ("torch.distributed",),
}
_OF_GANG = ("aimass_jupyter.launch.gang",)
_PACKAGES = ("aimass_jupyter.algorithms", "aimass_jupyter.training")
#: What libraries import only when something of theirs is used.
_LATER = ("numpy.ma", "torch.nn.parallel.distributed", "torch.utils.data.distributed")


def preload(engine: str, *, own_code: bool) -> None:
    """Import what the ranks of an engine need before their first step.

    Own code steps an optimizer of torch's; ours need no more than the imports.
    """
    with _importing():
        for name in (_RANK, _OWN_CODE if own_code else _OUR_CODE, *_OF_ENGINE[engine]):
            import_module(name)
        if own_code:
            throw_away_step()


def preload_all() -> None:
    """Import what any job needs that this environment has the engine for, and do one step."""
    usable = [engine for engine, reason in available_engines().items() if not reason]
    of_engines = [name for engine in usable for name in _OF_ENGINE.get(engine, ())]
    with _importing():
        for name in (*_all_modules(), *_OF_GANG, *of_engines, *_LATER):
            import_module(name)
        throw_away_step()
    use_large_pages()


@contextmanager
def _importing() -> Iterator[None]:
    """Import what stays: nothing of it is garbage, so it is looked for once, at the end."""
    one_thread()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.collect()
    gc.freeze()  # the ranks share these pages: a collection in one of them leaves them alone


def _all_modules() -> Iterator[str]:
    """Every module that trains."""
    for package in _PACKAGES:
        for module in iter_modules(import_module(package).__path__):
            yield f"{package}.{module.name}"


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
