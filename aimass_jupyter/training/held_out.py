"""Held-out rows: what they say of a network. Every rank looks at its share of them."""

from __future__ import annotations

import torch
from torch import nn

from aimass_jupyter.algorithms import Task
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.evaluation import Report
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.rows import Part

_ROWS_AT_ONCE = 1024


def evaluate(
    task: Task, network: nn.Module, part: Part, preprocessing: Preprocessing, engine: Engine
) -> tuple[float, Report]:  # fmt: skip
    """Return the mean loss and the report on rows that each rank has a part of."""
    network.eval()
    part = part.to(engine.device)
    with torch.no_grad():
        outputs = torch.cat(
            [network(part.unpacked(rows)) for rows in part.inputs.split(_ROWS_AT_ONCE)]
        )
        outputs, targets = engine.gather(outputs), engine.gather(part.targets)
        loss = float(task.loss(outputs, targets)) / len(targets)
    return loss, task.report(outputs.cpu().numpy(), targets.cpu().numpy(), preprocessing)


def in_words(report: Report) -> str:
    """The metrics of a report, as a line tells them."""
    shown = (
        f"{n} {'not a number' if v is None else f'{v:.4f}'}" for n, v in report.metrics.items()
    )
    return ", ".join(shown)
