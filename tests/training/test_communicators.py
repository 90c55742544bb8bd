"""Torch's communicators outlive their closing: taking them apart may wait for ever."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import torch
import torch.distributed as distributed

from aimass_jupyter.training.communicators import keep_communicators


def test_a_group_that_was_destroyed_is_closed_but_kept(tmp_path: Path) -> None:
    keep_communicators()
    keep_communicators()  # twice is as good as once
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1
    )
    distributed.all_reduce(torch.ones(1))
    group = weakref.ref(distributed.group.WORLD)
    distributed.destroy_process_group()
    gc.collect()
    assert not distributed.is_initialized()
    assert group() is not None
