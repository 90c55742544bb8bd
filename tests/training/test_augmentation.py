"""Augmentation: what it does to rows, that it repeats itself, and that it helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.training.augmentation import augmentation, blend
from aimass_jupyter.training.image_changes import add_noise, jitter_colours, mirror, move
from aimass_jupyter.training.rows import Part, Rows
from aimass_jupyter.training.table_changes import TableChanges
from tests.training.conftest import MakeSpec, rows_of, train_here


@pytest.fixture
def images() -> Tensor:
    """Smooth ones, on which interpolation loses little."""
    torch.manual_seed(5)
    coarse = torch.rand(6, 3, 4, 4)
    return torch.nn.functional.interpolate(coarse, (24, 24), mode="bicubic").clamp(0, 1)


def test_mirrored_images_are_the_other_way_round(images: Tensor) -> None:
    many = images.repeat(20, 1, 1, 1)
    given = mirror(many, "horizontal")
    turned = [torch.equal(one, old.flip(2)) for one, old in zip(given, many, strict=True)]
    kept = [torch.equal(one, old) for one, old in zip(given, many, strict=True)]
    assert all(turned[i] or kept[i] for i in range(120))
    assert 30 < sum(turned) < 90


def test_nothing_moved_is_the_same(images: Tensor) -> None:
    assert torch.allclose(move(images, 0, 0, 0, 0), images, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(24, 24), (12, 36)])
def test_images_are_rotated_about_their_middle(height: int, width: int) -> None:
    """A spot right of the middle goes round it, at the same distance, by at most the angle."""
    image = torch.zeros(200, 1, height, width)
    image[:, :, height // 2 - 1 : height // 2 + 1, width // 2 + 2 : width // 2 + 4] = 1
    given = move(image, 90, 0, 0, 0)
    mass = given.sum((1, 2, 3))
    down = (given.sum((1, 3)) * (torch.arange(height) - (height - 1) / 2)).sum(1) / mass
    right = (given.sum((1, 2)) * (torch.arange(width) - (width - 1) / 2)).sum(1) / mass
    angles = torch.rad2deg(torch.atan2(down, right))
    assert torch.allclose((down**2 + right**2).sqrt(), torch.tensor(3.0), atol=0.35)
    assert angles.abs().max() < 95
    assert angles.min() < -60
    assert angles.max() > 60


def test_images_are_scaled_sheared_and_shifted() -> None:
    square = torch.zeros(300, 1, 32, 32)
    square[:, :, 10:22, 10:22] = 1
    area = move(square, 0, 0.3, 0, 0).sum((1, 2, 3))
    assert area.min() < 144 * 0.75
    assert area.max() > 144 * 1.25
    assert area.min() > 144 * 0.65**2 * 0.9
    shifted = move(square, 0, 0, 0, 0.25)
    columns = (shifted.sum((1, 2)) * torch.arange(32)).sum(1) / shifted.sum((1, 2, 3))
    assert columns.min() == pytest.approx(15.5 - 8, abs=1)
    assert columns.max() == pytest.approx(15.5 + 8, abs=1)
    sheared = move(square, 0, 0, 30, 0)
    assert torch.allclose(sheared.sum((1, 2, 3)), torch.tensor(144.0), rtol=0.05)
    width_of_all = (sheared.sum(2) > 0.5).sum(2).float()
    assert width_of_all.max() > 16


def test_colours_change_and_stay_colours(images: Tensor) -> None:
    given = jitter_colours(images, 0.5)
    assert given.min() >= 0
    assert given.max() <= 1
    assert (given - images).abs().mean() > 0.02
    grey = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    changed = jitter_colours(grey, 0.5)
    assert torch.allclose(changed[:, 0], changed[:, 2], atol=1e-5)  # no colour comes of none
    opaque = torch.cat([images, torch.ones(6, 1, 24, 24)], 1)
    assert torch.equal(jitter_colours(opaque, 0.5)[:, 3], opaque[:, 3])


def test_noise_is_as_strong_as_asked() -> None:
    grey = torch.full((20, 1, 30, 30), 0.5)
    assert float(add_noise(grey, 0.1).std()) == pytest.approx(0.1, rel=0.05)


@pytest.fixture
def mixed(table_spec: MakeSpec) -> Rows:
    """A table with a number, a category, a flag, and holes in the number."""
    random = np.random.default_rng(0)
    number = random.normal(10, 3, 300)
    number[::10] = np.nan
    columns = {
        "number": [None if np.isnan(value) else float(value) for value in number],
        "kind": random.choice(["a", "b", "c"], 300),
        "flag": random.random(300) < 0.3,
        "y": random.choice(["yes", "no"], 300),
    }
    return rows_of(table_spec(columns, "y"))


def test_noise_leaves_categories_and_flags_alone(mixed: Rows) -> None:
    rows = mixed.training.inputs
    changed = TableChanges(mixed.preprocessing).add_noise(rows, 0.5)
    moved = (changed != rows).any(0)
    assert moved.tolist() == [True] + [False] * (rows.shape[1] - 1)
    assert float((changed - rows)[:, 0].std()) == pytest.approx(0.5, rel=0.15)


def test_a_forgotten_feature_is_its_mean(mixed: Rows) -> None:
    rows = mixed.training.inputs
    table = TableChanges(mixed.preprocessing)
    changed = table.forget(rows, 0.4)
    category = slice(2, rows.shape[1] - 1)
    touched = (changed[:, category] != rows[:, category]).any(1)
    assert 0.25 < float(touched.float().mean()) < 0.55
    means = rows[:, category].mean(0)
    assert torch.allclose(
        changed[touched][:, category], means.expand(int(touched.sum()), -1), atol=1e-5
    )


def test_mixup_mixes_rows_and_labels_alike() -> None:
    torch.manual_seed(0)
    rows = torch.eye(4)[torch.arange(40) % 4]
    given = blend(Part(rows, torch.arange(40) % 4), 1.0, 4)
    assert torch.allclose(given.inputs, given.targets)  # rows were their labels, and still are
    assert torch.allclose(given.targets.sum(1), torch.ones(40))
    assert ((given.targets > 0.1) & (given.targets < 0.9)).any()


@pytest.mark.parametrize(
    ("name", "params", "complaint"),
    [
        ("wine", {"rotation": 5}, "--rotation changes images, and the dataset is a table"),
        ("wine", {"flip": "both"}, "--flip changes images"),
        ("digits", {"feature_dropout": 0.1}, "--feature-dropout changes tables"),
    ],
)
def test_what_suits_no_such_rows_is_refused(
    make_spec: MakeSpec, name: str, params: dict[str, Any], complaint: str
) -> None:
    given = hyperparameters_of("classification", params)
    with pytest.raises(InvalidRequest, match=complaint):
        augmentation(given, rows_of(make_spec(name)).preprocessing)


def test_the_same_seed_changes_the_same_rows_alike(make_spec: MakeSpec, tmp_path: Path) -> None:
    from safetensors.numpy import load

    from aimass_jupyter.bundle import WEIGHTS, open_member

    how = {"rotation": 10, "shift": 0.1, "noise": 0.05, "mixup": 0.2, "colour": 0.1, "epochs": 1}
    weights = []
    for number in range(2):
        train_here(make_spec("digits", architecture="linear", **how), tmp_path / str(number))
        weights.append(load(open_member(tmp_path / str(number) / "bundle.aimass", WEIGHTS)))
    first, again = weights
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_a_network_trained_on_moved_digits_knows_moved_digits(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    """Trained on digits where they are, it is lost when they move; augmentation mends that."""
    from aimass_jupyter.data import columns_of, open_dataset
    from aimass_jupyter.inference import load_bundle

    right = {}
    for shift in (0.0, 0.15):
        spec = make_spec("digits", epochs=5, shift=shift, architecture="mlp")
        train_here(spec, tmp_path / str(shift))
        columns = columns_of(open_dataset(spec.dataset_path))
        moved = {**columns, "image": np.roll(columns["image"], 1, axis=3)}
        answers = load_bundle(tmp_path / str(shift) / "bundle.aimass").predict(moved)["label"]
        right[shift] = float((answers == columns["digit"]).mean())
    assert right[0.15] > right[0.0] + 0.2
