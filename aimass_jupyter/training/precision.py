"""Precision: what layers compute in. Weights, gradients and their sums stay float32."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from aimass_jupyter.contract.hyperparameters import Hyperparameters

_FIRST_SCALE = 16  # the power of two, for the loss of a single row
_PATIENCE = 2000  # good steps after which a larger scale is tried
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """float32, or a half type with float32 where that would be too coarse (torch's autocast).

    The gradients of fp16 vanish or overflow easily: the loss is scaled up before backward and the
    gradients down again after it, by a factor that is halved when they overflow (Micikevicius et
    al., arXiv:1710.03740).

    Attributes
    ----------
    state
        What a checkpoint needs of it.
    """

    def __init__(self, params: Hyperparameters, device: torch.device) -> None:
        self._device = device.type
        self._type = _TYPES.get(params.precision)
        self.state: dict[str, Tensor] = {}
        if self._type is torch.float16:
            rows = math.ceil(math.log2(params.batch_size))  # a batch's losses are added up
            scale = 2.0 ** max(0, _FIRST_SCALE - rows)
            self.state = {"scale": torch.tensor(scale), "good": torch.tensor(0)}

    def computing(self) -> AbstractContextManager[object]:
        """Where the network is called."""
        if self._type is None:
            return nullcontext()
        return torch.autocast(self._device, self._type)

    def scaled(self, loss: Tensor) -> Tensor:
        """Return what backward begins with."""
        return loss * self.state["scale"].to(loss.device) if self.state else loss

    def overflowed(self, gradients: Tensor, loss: Tensor) -> bool:
        """Scale the gradients down; whether only they overflowed, and the step is passed over.

        A loss that is no number itself is no matter of precision.
        """
        if not self.state:
            return False
        gradients /= self.state["scale"].to(gradients.device)
        finite = math.isfinite(gradients.sum().item())
        self._adapt(finite)
        return not finite and math.isfinite(loss.item())

    def _adapt(self, finite: bool) -> None:
        scale, good = self.state["scale"], self.state["good"]
        good.copy_((good + 1) % _PATIENCE if finite else torch.tensor(0))
        if not finite:
            scale.copy_(torch.clamp(scale / 2, min=1.0))
        elif not good:
            scale *= 2
