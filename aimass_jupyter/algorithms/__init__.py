"""Algorithms: a module per task, saying what is learnt and how its success is told.

What a person may set (names, defaults, limits) is declared in ``aimass_jupyter.contract``; here is
what it means. A task builds nothing and loops over nothing: it gives the loss of a batch and the
report on predictions, and ``networks`` turns hyperparameters and the shape of a row into a
network. To add an algorithm, declare it in the contract, write its module and name it in
``find_task``.

This room imports torch and is only ever imported where something trains. It must not read files,
know ranks or write logs: that is ``aimass_jupyter.training``.
"""

from aimass_jupyter.algorithms.batch_norm import BatchNorm, share_statistics
from aimass_jupyter.algorithms.networks import architecture_of, build_network
from aimass_jupyter.algorithms.task import Task, find_task, hyperparameters_of

__all__ = [
    "BatchNorm",
    "Task",
    "architecture_of",
    "build_network",
    "find_task",
    "hyperparameters_of",
    "share_statistics",
]
