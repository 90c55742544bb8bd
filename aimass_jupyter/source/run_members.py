"""What ``run`` offers own code: its members, and how its methods are called.

It is told here, and not taken from the class, because a kernel need not have torch.
"""

from __future__ import annotations

MEMBERS = frozenset(
    {
        "average",
        "barrier",
        "checkpoint",
        "dataset",
        "device",
        "distribute",
        "dry_run",
        "histogram",
        "image",
        "local_rank",
        "log",
        "name",
        "params",
        "progress",
        "rank",
        "register",
        "restored",
        "resume",
        "seed",
        "size",
        "text",
        "work",
    }
)

#: What ``run.dataset`` has.
DATASET_MEMBERS = frozenset(
    {"batches", "columns", "label", "name", "preprocessing", "shard", "table", "take", "tensors"}
)

#: Methods whose first argument must be given, and what it is.
FIRST_ARGUMENT = {
    "log": "step",
    "histogram": "step",
    "image": "step",
    "text": "step",
    "checkpoint": "step",
    "register": "model",
    "distribute": "model",
    "average": "value",
    "progress": "fraction",
}
#: Arguments that may be given without a name, where these are not the first alone.
UNNAMED = {"register": 2, "distribute": 3, "barrier": 0, "resume": 0}
METHODS = frozenset({*FIRST_ARGUMENT, "barrier", "resume"})
