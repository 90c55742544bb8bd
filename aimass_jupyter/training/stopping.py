"""Early stopping: when training has gone on for long enough, and the weights it had at its best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.evaluation import Report

_LESS_IS_BETTER = frozenset({"loss", "log_loss", "rmse", "mae"})


class Stopping:
    """Watches one number after each epoch (Prechelt, Early Stopping — But When?, 1998).

    Without a patience it never stops, and keeps nothing.

    Attributes
    ----------
    state
        The best weights, by name; for checkpoints, which take them as they are.
    progress
        The rest of what a checkpoint needs, as JSON has it.
    """

    def __init__(self, params: Hyperparameters, network: Mapping[str, Tensor]) -> None:
        self._patience = params.patience
        self._metric = params.stop_metric
        self._least = params.min_delta
        self._sign = -1 if self._metric in _LESS_IS_BETTER else 1
        self.progress: dict[str, Any] = {"best": None, "since": 0}
        self.state: dict[str, Tensor] = {}
        if self._patience is not None:
            self.state = {name: tensor.detach().clone() for name, tensor in network.items()}

    @property
    def on(self) -> bool:
        """Whether it watches at all."""
        return self._patience is not None

    @property
    def over(self) -> bool:
        """Whether there was no progress for too long."""
        return self._patience is not None and self.progress["since"] >= self._patience

    def watch(self, loss: float, report: Report, network: Mapping[str, Tensor]) -> None:
        """Take an epoch into account; the network is as it was evaluated."""
        value = loss if self._metric == "loss" else report.metrics[self._metric]
        if value is not None and math.isfinite(value) and self._better(self._sign * value):
            self.progress = {"best": self._sign * value, "since": 0}
            _copy(network, self.state)
        else:
            self.progress = self.progress | {"since": self.progress["since"] + 1}

    def bring_back(self, network: Mapping[str, Tensor]) -> None:
        """Give the network the best weights there were."""
        if self.progress["best"] is not None:
            _copy(self.state, network)

    def _better(self, value: float) -> bool:
        best = self.progress["best"]
        return best is None or value > best + self._least


def _copy(given: Mapping[str, Tensor], taken: Mapping[str, Tensor]) -> None:
    for name, tensor in taken.items():
        tensor.detach().copy_(given[name])
