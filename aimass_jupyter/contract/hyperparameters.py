"""Hyperparameters: what a training loop can be told, with defaults, limits and a group each.

A field without a group is one of the few that most people set; forms show the others behind their
group's name. What a field means is told once, here; what it does is ``aimass_jupyter.training``'s.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aimass_jupyter.contract.base import Request

Group = Literal[
    "Network", "Optimizer", "Schedule", "Regularisation", "Stopping", "Augmentation", "Ensemble",
    "Precision", "Ranks", "Rows",
]  # fmt: skip


def option(default: Any, group: Group, description: str, **limits: Any) -> Any:
    """A hyperparameter that forms show behind the name of its group."""
    return Field(
        default, description=description, json_schema_extra={"x-group": group}, **limits
    )  # fmt: skip


class Hyperparameters(Request):
    """What every training loop takes."""

    epochs: int = Field(10, ge=1, le=100_000, description="Passes over the training rows.")
    batch_size: int = Field(64, ge=1, le=1_000_000, description="Rows a step, over all ranks.")
    learning_rate: float = Field(3e-3, gt=0, le=100, description="Highest step size.")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="Update rule.")
    architecture: Literal["auto", "cnn", "mlp", "linear"] = Field(
        "auto", description="Network; auto takes cnn for images and mlp for tables."
    )
    hidden: int = Field(128, ge=1, le=65_536, description="Units of a hidden layer.")
    layers: int = Field(2, ge=1, le=64, description="Hidden layers.")

    dropout: float = option(0.1, "Network", "Share of activations dropped.", ge=0, lt=1)
    batch_norm: bool = option(
        False, "Network", "Normalise activations over the whole batch, all ranks' rows together."
    )

    weight_decay: float = option(
        1e-2, "Optimizer", "Shrinks all weights a little each step, apart from the gradient.",
        ge=0, le=10,
    )  # fmt: skip
    momentum: float = option(
        0.9, "Optimizer", "Momentum of sgd; the first beta of adamw.", ge=0, lt=1
    )
    clip_norm: float | None = option(
        None, "Optimizer", "Gradients longer than this are shortened to it.", gt=0
    )
    clip_value: float | None = option(
        None, "Optimizer", "Each entry of a gradient is kept within plus and minus this.", gt=0
    )
    accumulate: int = option(
        1, "Optimizer", "Pieces a batch is worked through in: less memory, the same step.",
        ge=1, le=10_000,
    )  # fmt: skip

    schedule: Literal["cosine", "constant", "step", "one-cycle"] = option(
        "cosine", "Schedule", "How the learning rate goes after its warm-up."
    )
    warm_up: float = option(
        0.05, "Schedule", "Linear rise at the start: a share of all steps, or from 1 on, steps.",
        ge=0, le=1e9,
    )  # fmt: skip
    last_rate: float = option(
        0.01, "Schedule", "cosine, one-cycle: the rate at the end, as a share of the highest.",
        ge=0, le=1,
    )  # fmt: skip
    decay_every: int = option(
        10, "Schedule", "step: epochs after which the rate falls.", ge=1, le=100_000
    )
    decay_factor: float = option(
        0.1, "Schedule", "step: what the rate is multiplied by.", gt=0, le=1
    )
    rise: float = option(
        0.3, "Schedule", "one-cycle: share of the steps in which the rate rises; no warm-up then.",
        gt=0, lt=1,
    )  # fmt: skip

    l1: float = option(
        0.0, "Regularisation", "Penalty on the sum of |w|: drives weights to exactly zero.",
        ge=0, le=100,
    )  # fmt: skip
    l2: float = option(
        0.0, "Regularisation", "Penalty on half the sum of w²; with l1 it is the elastic net.",
        ge=0, le=100,
    )  # fmt: skip
    ema: float = option(
        0.0, "Regularisation", "Decay of a moving average of the weights, which is the model then.",
        ge=0, lt=1,
    )  # fmt: skip

    patience: int | None = option(
        None, "Stopping", "Stop after so many epochs without progress; keep the best weights.",
        ge=1, le=100_000,
    )  # fmt: skip
    stop_metric: str = option("loss", "Stopping", "What progress is told by.")
    min_delta: float = option(
        0.0, "Stopping", "Progress smaller than this is none.", ge=0, le=1e9
    )  # fmt: skip
    stop_fraction: float = option(
        0.1, "Stopping", "Share of the training rows that are only watched for it.", gt=0, lt=1
    )

    rotation: float = option(0.0, "Augmentation", "Images: degrees at most.", ge=0, le=180)
    scaling: float = option(
        0.0, "Augmentation", "Images: larger or smaller by this share at most.", ge=0, lt=1
    )
    shear: float = option(0.0, "Augmentation", "Images: degrees at most.", ge=0, lt=90)
    shift: float = option(
        0.0, "Augmentation", "Images: share of a side at most, in each direction.", ge=0, le=1
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = option(
        "none", "Augmentation", "Images: mirrored with a chance of one half."
    )
    colour: float = option(
        0.0, "Augmentation", "Images: change of brightness, contrast and saturation at most.",
        ge=0, le=1,
    )  # fmt: skip
    noise: float = option(
        0.0, "Augmentation", "Gaussian noise: of the range of pixels, or in standard deviations.",
        ge=0, le=10,
    )  # fmt: skip
    word_dropout: float = option(
        0.0, "Augmentation", "Texts: share of the words left out.", ge=0, lt=1
    )
    word_swap: float = option(
        0.0, "Augmentation", "Texts: share of the neighbouring words that change places.",
        ge=0, le=1,
    )  # fmt: skip
    feature_dropout: float = option(
        0.0, "Augmentation", "Tables: share of the entries set to their mean.", ge=0, lt=1
    )
    mixup: float = option(
        0.0, "Augmentation", "Alpha of mixup: each row is blended with another, and so its label.",
        ge=0, le=100,
    )  # fmt: skip

    ensemble: Literal["none", "bagging", "boosting", "stacking"] = option(
        "none", "Ensemble", "Train several networks that answer as one model."
    )
    members: int = option(5, "Ensemble", "Networks of an ensemble.", ge=2, le=1000)
    folds: int = option(
        3, "Ensemble", "stacking: parts of the rows; each is predicted by members that lack it.",
        ge=2, le=100,
    )  # fmt: skip
    shrinkage: float = option(
        0.3, "Ensemble", "boosting of a regression: how much of each member is taken.", gt=0, le=1
    )

    precision: Literal["float32", "bf16", "fp16", "auto"] = option(
        "float32",
        "Precision",
        "What layers compute in; weights stay float32. auto: bf16 where that is quicker.",
    )

    layout: Literal["auto", "contiguous", "channels_last"] = option(
        "auto",
        "Precision",
        "Images: how they lie in memory while a cnn computes. auto: what is quicker.",
    )

    local_steps: int = option(
        1, "Ranks", "Steps that each rank takes by itself before the ranks average their weights.",
        ge=1, le=100_000,
    )  # fmt: skip
    collectives: Literal["auto", "engine"] = option(
        "auto", "Ranks",
        "How ranks exchange what they learn: auto by shared memory where all are on one host.",
    )  # fmt: skip

    compression: Literal["none", "fp16", "bf16"] = option(
        "none", "Ranks", "Half the bytes: gradients travel between ranks in this type."
    )
    fusion_mb: float | None = option(
        None, "Ranks", "horovod: layers' gradients travel by themselves, fused up to so many MiB.",
        ge=0, le=4096,
    )  # fmt: skip
    cycle_ms: float | None = option(
        None, "Ranks", "horovod: milliseconds in which gradients are gathered to be fused.",
        gt=0, le=1000,
    )  # fmt: skip

    text_slots: int = option(
        1024, "Rows", "Texts: numbers that the words and pairs of words of one are counted in.",
        ge=16, le=65_536,
    )  # fmt: skip
    text_words: int = option(
        256, "Rows", "Texts: words that are read of one; what follows is passed over.",
        ge=2, le=4096,
    )  # fmt: skip
    validation_fraction: float = option(
        0.2, "Rows", "Share of the rows held out and never trained on.", gt=0, lt=1
    )
    checkpoint_every: int = option(1, "Rows", "Epochs between checkpoints.", ge=1)


class ClassificationHyperparameters(Hyperparameters):
    """Classification: cross-entropy over the label's classes."""

    stop_metric: Literal["loss", "accuracy", "f1", "log_loss"] = option(
        "loss", "Stopping", "What progress is told by."
    )
    label_smoothing: float = option(
        0.0, "Regularisation", "Mass moved off the true class.", ge=0, lt=1
    )
    class_weights: Literal["none", "balanced"] | dict[str, float] = option(
        "none", "Regularisation",
        "Weight of each class in the loss: balanced, or a mapping of class to weight.",
    )  # fmt: skip


class RegressionHyperparameters(Hyperparameters):
    """Regression: squared error on the standardised label."""

    stop_metric: Literal["loss", "r2", "rmse", "mae"] = option(
        "loss", "Stopping", "What progress is told by."
    )
