"""Torch's communicators: kept until the process ends.

Torch takes one apart when the last that refers to it lets go, and then joins the threads of gloo
while it holds Python's lock. A thread that has just ended a collective wants that lock to let go of
the collective: then both wait for ever (seen with torch 2.13, one script in thirty that drops a
``DistributedDataParallel`` after ``destroy_process_group``). The process ends without teardown, so
nothing is lost by keeping them.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

_kept: list[object] = []


def keep_communicators() -> None:
    """Have every process group that is destroyed from now on kept, though closed."""
    from torch.distributed import distributed_c10d

    destroy = distributed_c10d.destroy_process_group
    if getattr(destroy, "keeps", False):
        return

    @wraps(destroy)
    def destroy_and_keep(group: Any = None) -> None:
        _kept.extend(distributed_c10d._world.pg_map)  # noqa: SLF001 - there is no public list
        destroy(group)

    destroy_and_keep.keeps = True  # type: ignore[attr-defined]
    _replace(destroy_and_keep)


def _replace(destroy: Any) -> None:
    """Put it where scripts look for it."""
    import torch.distributed
    from torch.distributed import distributed_c10d

    distributed_c10d.destroy_process_group = destroy
    torch.distributed.destroy_process_group = destroy
