"""Whether hyperparameters suit the dataset, the engine and the ranks of a job.

What each may be is the contract's matter; that it would do nothing here, or cannot be done, is
said before the job waits for its turn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aimass_jupyter.contract.datasets import Column
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.hyperparameters import Hyperparameters

_FOR_IMAGES = ("rotation", "scaling", "shear", "shift", "flip", "colour")
_FOR_NETWORKS_OF_IMAGES = ("layout",)
_FOR_TABLES = ("feature_dropout",)
_FOR_TEXTS = ("word_dropout", "word_swap", "text_slots", "text_words")
_FOR_HOROVOD = ("fusion_mb", "cycle_ms")
_BETWEEN_RANKS = ("compression", "collectives", "local_steps")
_OF_HIDDEN_LAYERS = ("hidden", "layers", "dropout", "batch_norm")
_NEEDED = {
    "warm_up": "--schedule cosine, constant or step",
    "last_rate": "--schedule cosine or one-cycle",
    "layout": "--architecture auto or cnn",
    "decay_every": "--schedule step",
    "decay_factor": "--schedule step",
    "rise": "--schedule one-cycle",
    "members": "--ensemble bagging, boosting or stacking",
    "folds": "--ensemble stacking",
    "shrinkage": "--ensemble boosting",
    "stop_metric": "--patience EPOCHS",
    "min_delta": "--patience EPOCHS",
    "stop_fraction": "--patience EPOCHS",
}


def check_technique(
    params: Mapping[str, Any], columns: Sequence[Column], label: str, engine: str, np: int
) -> None:
    """Check them.

    Parameters
    ----------
    params
        Hyperparameters, defaults filled in.
    columns
        Of the dataset.

    Raises
    ------
    InvalidRequest
        Naming the option and what to do.
    """
    kinds = {column.kind for column in columns if column.name != label}
    image = "image" in kinds
    text = "text" in kinds and not image
    asked = [name for name in params if name in Hyperparameters.model_fields and _set(params, name)]
    for name in asked:
        _check_rows(name, image=image, text=text)
        _check_ranks(name, params, engine, np)
        _check_partner(name, params)
        _check_network(name, params, image=image)
    _check_weights(params.get("class_weights"))
    if params["accumulate"] > params["batch_size"]:
        raise _refused(
            "accumulate", f"{params['accumulate']} cuts {params['batch_size']} rows into pieces",
            f"take --accumulate {params['batch_size']} or less, or a larger --batch-size",
        )  # fmt: skip


def _set(params: Mapping[str, Any], name: str) -> bool:
    return bool(params[name] != Hyperparameters.model_fields[name].default)


def _check_rows(name: str, *, image: bool, text: bool) -> None:
    if name in _FOR_TEXTS and not text:
        raise _refused(name, "is for texts, and no column of the dataset is one", "leave it out")
    if name in _FOR_NETWORKS_OF_IMAGES and not image:
        raise _refused(name, "is for images, and no column of the dataset is one", "leave it out")
    if name in (_FOR_TABLES if image else _FOR_IMAGES):
        kind, given = ("tables", "images") if image else ("images", "a table")
        raise _refused(name, f"changes {kind}, and the dataset is {given}", "leave it out")


def _check_ranks(name: str, params: Mapping[str, Any], engine: str, np: int) -> None:
    if name in _FOR_HOROVOD and engine != "horovod":
        raise _refused(name, f"is Horovod's, and the engine is {engine}", "take --engine horovod")
    if name in _BETWEEN_RANKS and np == 1:
        raise _refused(name, "says how ranks meet, and there is one", "take --np 2")
    if params["compression"] == "bf16" and engine == "horovod":
        raise _refused("compression", "bf16: Horovod adds no bf16", "take fp16, or torchrun")
    if params["local_steps"] > 1 and name == "compression":
        raise _refused(name, "is of gradients, and --local-steps sends weights", "take one of both")


def _check_partner(name: str, params: Mapping[str, Any]) -> None:
    """What another option switches on does nothing without it."""
    needed = _NEEDED.get(name)
    if needed is None:
        return
    option, _, values = needed.removeprefix("--").partition(" ")
    given = params[option]
    wanted = values.replace(" or ", ", ").split(", ")
    if given is None or (option != "patience" and given not in wanted):
        raise _refused(name, f"does nothing without {needed}", f"say {needed}, or leave it out")


def _check_network(name: str, params: Mapping[str, Any], *, image: bool) -> None:
    """What the network that is built has no place for does nothing."""
    if name == "shrinkage" and "class_weights" in params:  # an option of classification alone
        raise _refused(name, "is of boosted regressions, and this learns classes", "leave it out")
    asked = params["architecture"]
    if name not in _OF_HIDDEN_LAYERS or (params["ensemble"] == "stacking" and asked == "auto"):
        return  # stacking takes several architectures
    if asked == "linear":
        raise _refused(
            name, "is of hidden layers, and --architecture linear has none", "leave one of both out"
        )
    if name == "layers" and (asked == "cnn" or (asked == "auto" and image)):
        raise _refused(name, "is for mlp, and the network is a cnn", "say --architecture mlp too")


def _check_weights(weights: Any) -> None:
    for name, weight in weights.items() if isinstance(weights, Mapping) else ():
        if not 0 <= weight < math.inf:
            raise _refused(
                "class-weights", f"gives class '{name}' {weight}, and must be 0 or more",
                "larger numbers are for classes that matter more",
            )  # fmt: skip


def _refused(name: str, reason: str, cure: str) -> InvalidRequest:
    return InvalidRequest(f"--{name.replace('_', '-')} {reason}", cure)
