"""Training on texts: words on the way to the network, left out and swapped, and that it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.data import columns_of, labelled_rows, open_dataset
from aimass_jupyter.data.words import features_of, numbers_of
from aimass_jupyter.inference import load_bundle
from aimass_jupyter.training.augmentation import augmentation
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.rows import Part, Rows, open_rows
from aimass_jupyter.training.text_rows import TextRows, swapped
from aimass_jupyter.training.text_rows import features_of as torch_features_of
from tests.training.conftest import MakeSpec, rows_of, train_here

GOOD = ("great", "quick", "friendly", "perfect", "easy")
BAD = ("broken", "slow", "rude", "awful", "late")
OTHERS = "the a it was and with for my this of in on we they order shop day price box".split()


def reviews(count: int, noise: float = 0.0) -> dict[str, Any]:
    """Made here: a telling word or two among others; some of the labels are wrong."""
    random = np.random.default_rng(1)
    texts, labels = [], []
    for row in range(count):
        words = list(random.choice(OTHERS, random.integers(6, 14)))
        for _ in range(random.integers(1, 3)):
            words[random.integers(len(words))] = str(random.choice((BAD, GOOD)[row % 2]))
        texts.append(" ".join(words))
        labels.append("good" if (row % 2 == 1) != (random.random() < noise) else "bad")
    prices = [float(random.integers(5, 50)) for _ in range(count)]
    shops = [str(random.choice(["north", "south"])) for _ in range(count)]
    return {"review": texts, "price": prices, "shop": shops, "label": labels}


@pytest.fixture
def spec(table_spec: MakeSpec) -> JobSpec:
    return table_spec(reviews(400), "label", text_slots=128)


def augmented(rows: Rows, epoch: int, **params: Any) -> torch.Tensor:
    """What the network sees in an epoch, in the order of the rows."""
    augment = augmentation(hyperparameters_of("classification", params), rows.preprocessing)
    torch.manual_seed(rows.seeds(epoch, 1)[0])
    return augment(rows.training).inputs


def test_torch_and_numpy_read_the_same_of_words() -> None:
    texts = reviews(60)["review"] + ["", "one", "so so so so so"]
    words = numbers_of(texts, 12)
    for width in (16, 1000, 65_536):
        ours = torch_features_of(torch.from_numpy(words), width).numpy()
        assert np.allclose(ours, features_of(words, width), atol=1e-6)


def test_rows_are_kept_as_words_and_shown_as_features(spec: JobSpec) -> None:
    rows = rows_of(spec)
    assert rows.training.inputs.shape[1] == 13 + 1 + 3  # most words, a number, a category
    table = labelled_rows(open_dataset(spec.dataset_path), "label")
    wanted = torch.from_numpy(rows.preprocessing.apply(columns_of(table)))
    seen = torch.cat([augmented(rows, 0), rows.held_out.unpacked()])
    assert seen.shape == wanted.shape == (400, 128 + 1 + 3)
    distances = torch.cdist(seen, wanted, compute_mode="donot_use_mm_for_euclid_dist")
    assert float(distances.min(0).values.max()) < 1e-5
    assert float(distances.min(1).values.max()) < 1e-5


def test_words_are_left_out_in_training_and_never_elsewhere(spec: JobSpec) -> None:
    rows = rows_of(spec)
    plain, held_out = augmented(rows, 0), rows.held_out.unpacked().clone()
    first, second = (augmented(rows, epoch, word_dropout=0.3) for epoch in (0, 1))
    again = augmented(rows, 0, word_dropout=0.3)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(first[:, 128:], plain[:, 128:])  # the number and the category
    assert torch.equal(rows.held_out.unpacked(), held_out)
    assert torch.equal(augmented(rows, 1), plain)
    other_rank = replace(rows, place=Place(1, 2))
    assert not torch.equal(augmented(other_rank, 0, word_dropout=0.3), first)


def test_so_many_words_are_left_out(spec: JobSpec) -> None:
    rows = rows_of(spec)
    words = rows.training.inputs
    torch.manual_seed(0)
    left = TextRows(rows.preprocessing).drop_words(words, 0.25)
    there = words[:, :13] > 0
    gone = there & (left[:, :13] == 0)
    assert float(gone.sum() / there.sum()) == pytest.approx(0.25, abs=0.03)
    assert torch.equal(left[:, :13][~gone], words[:, :13][~gone])
    assert torch.equal(left[:, 13:], words[:, 13:])


@pytest.mark.parametrize("most", [2, 3, 9])
def test_swapped_words_change_places_with_a_neighbour(most: int) -> None:
    torch.manual_seed(0)
    words = torch.arange(1.0, most + 1).repeat(4000, 1)
    words[::4, most - 1] = 0  # a text that is shorter
    given = swapped(words, 0.5)
    assert torch.equal(given.sort(1).values, words.sort(1).values)
    moved = given != words
    assert float((given - words)[moved].abs().max()) == 1
    assert not moved[::4, most - 1].any()
    longest = words[:, most - 1] > 0
    pairs = (most // 2 + (most - 1) // 2) / 2  # on average over even and odd places
    assert float(moved[longest].sum(1).float().mean()) == pytest.approx(pairs, rel=0.1)
    assert torch.equal(swapped(words, 0.0), words)


def test_a_swap_changes_pairs_and_no_words(spec: JobSpec) -> None:
    rows = rows_of(spec)
    packed = rows.training.inputs
    torch.manual_seed(0)
    given = TextRows(rows.preprocessing).swap_words(packed, 0.5)
    assert torch.equal(given[:, :13].sort(1).values, packed[:, :13].sort(1).values)
    assert torch.equal(given[:, 13:], packed[:, 13:])
    assert not torch.equal(rows.training.unpacked(given), rows.training.unpacked())


def test_a_forgotten_text_has_no_words(spec: JobSpec) -> None:
    rows = rows_of(spec)
    given = augmented(rows, 0, feature_dropout=0.5)
    empty = (given[:, :128] == 0).all(1)
    assert float(empty.float().mean()) == pytest.approx(0.5, abs=0.1)


def test_words_left_out_help_against_wrong_labels(table_spec: MakeSpec, tmp_path: Path) -> None:
    """A network that may lean on any word learns the mistakes by heart; the loss tells."""
    columns = reviews(800, noise=0.15)
    losses = {}
    for share in (0.0, 0.5):
        job = table_spec(columns, "label", text_slots=512, epochs=12, word_dropout=share)
        losses[share] = train_here(job, tmp_path / str(share))["metrics"]["log_loss"]
    assert losses[0.5] < losses[0.0] - 0.05


@pytest.mark.parametrize(
    "params",
    [
        {"architecture": "linear", "epochs": 30, "learning_rate": 0.1},
        {"ensemble": "stacking", "members": 2, "folds": 2, "epochs": 4, "word_dropout": 0.1},
        {"ensemble": "boosting", "members": 2, "epochs": 4, "mixup": 0.2},
    ],
)
def test_a_model_of_texts_answers_as_it_was_judged(
    table_spec: MakeSpec, tmp_path: Path, params: dict[str, Any]
) -> None:
    columns = reviews(400)
    job = table_spec(columns, "label", text_slots=256, batch_size=16, **params)
    record = train_here(job, tmp_path)
    assert record["metrics"]["accuracy"] > 0.8
    model = load_bundle(tmp_path / "bundle.aimass")
    asked = {name: columns[name] for name in ("review", "price", "shop")}
    answers = model.predict(asked)["label"]
    assert (answers == np.array(columns["label"])).mean() > 0.85
    told = model.predict({
        "review": ["So friendly, so quick!", "broken and awful"],
        "price": [20.0, 20.0], "shop": ["north", "elsewhere"],
    })["label"]  # fmt: skip
    assert told.tolist() == ["good", "bad"]


def test_large_data_is_kept_in_files_as_words(spec: JobSpec, tmp_path: Path) -> None:
    params = hyperparameters_of(spec.algorithm, spec.params)
    ours = open_rows(spec, params, Place(), tmp_path, small_bytes=0)
    theirs = rows_of(spec)
    for mine, other in ((ours.training, theirs.training), (ours.held_out, theirs.held_out)):
        assert torch.equal(mine.inputs, other.inputs)
        assert torch.equal(mine.unpacked(), other.unpacked())
    assert (tmp_path / "rows" / "training.inputs").stat().st_size == 4 * 17 * len(ours.training)


def test_pieces_and_shares_of_words_stay_words(spec: JobSpec) -> None:
    rows = rows_of(spec)
    batch = next(rows.batches(0, 4))
    assert isinstance(batch, Part)
    assert batch.texts is not None
    assert torch.equal(torch.cat([piece.unpacked() for piece in batch.pieces(3)]), batch.unpacked())
    assert rows.share_of(np.arange(7)).unpacked().shape == (7, 132)
