"""Sending: how gradients travel between ranks when their number of bytes or of messages matters.

By default all gradients are one vector of float32, and so one message a step; here they are made
half as large, or left in pieces for Horovod to fuse.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.optimizer import Optimizer
from aimass_jupyter.training.weights import LOSS, Weights

_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def travels_in_pieces(params: Hyperparameters) -> bool:
    """Whether each layer's gradients are handed over by themselves."""
    return params.fusion_mb is not None or params.cycle_ms is not None


def horovod_settings(params: Hyperparameters) -> dict[str, str]:
    """Return the variables that Horovod reads when it starts."""
    settings = {}
    if params.fusion_mb is not None:
        settings["HOROVOD_FUSION_THRESHOLD"] = str(round(params.fusion_mb * 2**20))
    if params.cycle_ms is not None:
        settings["HOROVOD_CYCLE_TIME"] = str(params.cycle_ms)
    return settings


class SentSums:
    """Gradients are averaged before they travel, so that half a type's range is enough for them.

    An exchange: see ``exchange``. The loss and the number of rows travel ahead, as float32.
    """

    def __init__(
        self, params: Hyperparameters, weights: Weights, optimizer: Optimizer, engine: Engine
    ) -> None:
        self._type = _TYPES.get(params.compression, torch.float32)
        self._pieces = travels_in_pieces(params)
        self._weights = weights
        self._optimizer = optimizer
        self._engine = engine

    def divisor(self, rows: int) -> int:
        """Nobody knows yet how many rows all ranks have."""
        return 1

    def average(self, loss: Tensor, rows: int) -> Tensor:
        """Divide by the rows of all ranks, then sum."""
        self._weights.close(loss, rows)
        head = self._weights.sums[LOSS:].clone()
        self._engine.add(head)
        gradients = self._weights.gradients
        gradients /= head[1]
        sent = gradients.to(self._type)
        self._engine.add_all(self._weights.pieces_of(sent) if self._pieces else [sent])
        gradients.copy_(sent)
        return head[0] / head[1]

    def step(self, rate: float, momentum: float) -> None:
        """Do the same on every rank."""
        self._optimizer.step(self._weights.values, self._weights.gradients, rate, momentum)

    def settle(self, done: int, *, last: bool) -> bool:
        """They have the same: each did the same."""
        return True
