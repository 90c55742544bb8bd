"""Augmentation: training rows changed at random in each step, so that no network sees one twice.

What is random comes from torch's generator, which the loop seeds for every step: the same run
changes the same rows in the same way, also when it goes on from a checkpoint. Held-out rows and
rows that a model answers are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.data import Preprocessing
from aimass_jupyter.training.image_changes import (
    Change,
    add_noise,
    jitter_colours,
    mirror,
    move,
)
from aimass_jupyter.training.rows import Part
from aimass_jupyter.training.table_changes import TableChanges
from aimass_jupyter.training.text_rows import TextRows

Augment = Callable[[Part], Part]

_FOR_IMAGES = ("rotation", "scaling", "shear", "shift", "flip", "colour")
_FOR_TABLES = ("feature_dropout",)
_FOR_TEXTS = ("word_dropout", "word_swap")


def augmentation(params: Hyperparameters, preprocessing: Preprocessing) -> Augment:
    """Return what changes a batch as the hyperparameters ask for, and unpacks it.

    Raises
    ------
    InvalidRequest
        When a change that is asked for suits no rows of this kind.
    """
    image = len(preprocessing.input_shape) == 3
    _check_kind(params, image=image, text=preprocessing.has_text)
    word_changes = _word_changes(params, preprocessing)
    changes = _image_changes(params) if image else _table_changes(params, preprocessing)
    classes = preprocessing.output_size if preprocessing.task == "classification" else 0

    def augment(batch: Part) -> Part:
        if not len(batch):
            return batch
        packed = batch.inputs
        for word_change in word_changes:
            packed = word_change(packed)
        inputs = batch.unpacked(packed)
        for change in changes:
            inputs = change(inputs)
        changed = Part(inputs, batch.targets, batch.weights)
        return blend(changed, params.mixup, classes) if params.mixup else changed

    needed = changes or params.mixup or preprocessing.has_text
    return augment if needed else lambda batch: batch


def blend(batch: Part, alpha: float, classes: int) -> Part:
    """Mixup (Zhang et al., arXiv:1710.09412): each row with another one, and their labels alike.

    Parameters
    ----------
    alpha
        Of the beta distribution that the shares are drawn from.
    classes
        How many there are; 0 when the label is a number.
    """
    generator = np.random.default_rng(int(torch.randint(2**62, ())))
    shares = torch.from_numpy(generator.beta(alpha, alpha, len(batch)).astype(np.float32))
    shares = shares.to(batch.inputs.device)
    partners = torch.randperm(len(batch), device=batch.inputs.device)
    targets = one_hot(batch.targets, classes).float() if classes else batch.targets

    def mixed(values: Tensor) -> Tensor:
        share = shares.view(-1, *(1,) * (values.dim() - 1))
        return share * values + (1 - share) * values[partners]

    weights = None if batch.weights is None else mixed(batch.weights)
    return Part(mixed(batch.inputs), mixed(targets), weights)


def _check_kind(params: Hyperparameters, *, image: bool, text: bool) -> None:
    if image:
        _refuse(params, _FOR_TABLES, "tables", "the dataset is images")
    else:
        _refuse(params, _FOR_IMAGES, "images", "the dataset is a table")
    if not text:
        _refuse(params, _FOR_TEXTS, "texts", "the model learns from none")


def _refuse(params: Hyperparameters, names: Sequence[str], kind: str, given: str) -> None:
    for name in names:
        if getattr(params, name) not in (0, "none"):
            option = "--" + name.replace("_", "-")
            raise InvalidRequest(f"{option} changes {kind}, and {given}", f"leave {option} out")


def _word_changes(params: Hyperparameters, preprocessing: Preprocessing) -> list[Change]:
    changes: list[Change] = []
    if not preprocessing.has_text:
        return changes
    texts = TextRows(preprocessing)
    if params.word_swap:
        changes.append(lambda rows: texts.swap_words(rows, params.word_swap))
    if params.word_dropout:
        changes.append(lambda rows: texts.drop_words(rows, params.word_dropout))
    return changes


def _image_changes(params: Hyperparameters) -> list[Change]:
    changes: list[Change] = []
    if params.flip != "none":
        changes.append(lambda images: mirror(images, params.flip))
    how = (params.rotation, params.scaling, params.shear, params.shift)
    if any(how):
        changes.append(lambda images: move(images, *how))
    if params.colour:
        changes.append(lambda images: jitter_colours(images, params.colour))
    if params.noise:
        changes.append(lambda images: add_noise(images, params.noise))
    return changes


def _table_changes(params: Hyperparameters, preprocessing: Preprocessing) -> list[Change]:
    table = TableChanges(preprocessing)
    changes: list[Change] = []
    if params.noise:
        changes.append(lambda rows: table.add_noise(rows, params.noise))
    if params.feature_dropout:
        changes.append(lambda rows: table.forget(rows, params.feature_dropout))
    return changes
