"""The kinds of work that go through the queue: what runs each, and what it gives.

A new kind of work is a line here, a module in ``aimass_jupyter.work``, and a request that makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["training", "notebook", "evaluation", "import", "export"]

#: What a job other than training takes by default: it needs no torch, and little of the machine.
WORK_SLOTS = 0.5


@dataclass(frozen=True)
class WorkKind:
    """Work other than training.

    Attributes
    ----------
    program
        The module whose ``run(order)`` does it, in a process of its own; none imports torch.
    gives
        ``dataset``: a dataset version; ``file``: a file among its artifacts.
    keeps_input
        Whether the bytes that it reads stay as long as the job is known, so that it can be run
        again; else they stay until it has ended.
    """

    program: str
    gives: Literal["dataset", "file"]
    keeps_input: bool = False


WORK: Mapping[str, WorkKind] = MappingProxyType(
    {
        "notebook": WorkKind("aimass_jupyter.work.notebook", "file", keeps_input=True),
        "evaluation": WorkKind("aimass_jupyter.work.evaluation", "file"),
        "import": WorkKind("aimass_jupyter.work.importing", "dataset"),
        "export": WorkKind("aimass_jupyter.work.export", "file"),
    }
)
