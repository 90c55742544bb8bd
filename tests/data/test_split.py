"""The split: every row once, the same rows every time, the classes in proportion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data import split_rows

_shares = st.floats(0.01, 0.99)
_seeds = st.integers(0, 2**31 - 1)


@given(rows=st.integers(2, 500), fraction=_shares, seed=_seeds)
def test_every_row_is_in_one_part_and_always_in_the_same(
    rows: int, fraction: float, seed: int
) -> None:
    training, held_out = split_rows(rows, fraction, seed)
    assert np.array_equal(np.sort(np.concatenate([training, held_out])), np.arange(rows))
    assert len(held_out) == min(max(round(rows * fraction), 1), rows - 1)
    again = split_rows(rows, fraction, seed)
    assert np.array_equal(training, again[0])
    assert np.array_equal(held_out, again[1])


@given(
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=8).filter(lambda s: max(s) > 1),
    fraction=_shares,
    seed=_seeds,
)
def test_classes_keep_their_share_and_a_row_to_train_on(
    sizes: list[int], fraction: float, seed: int
) -> None:
    labels = np.repeat([f"class {number}" for number in range(len(sizes))], sizes)
    training, held_out = split_rows(labels, fraction, seed, stratify=True)
    assert np.array_equal(np.sort(np.concatenate([training, held_out])), np.arange(len(labels)))
    assert set(labels[training]) == set(labels)
    assert len(held_out) >= 1
    wanted = min(max(round(len(labels) * fraction), 1), len(labels) - 1)
    for name, size in zip(np.unique(labels), sizes, strict=True):
        count = int((labels[held_out] == name).sum())
        assert count <= size * wanted / len(labels) + len(sizes)


def test_a_balanced_label_is_split_evenly() -> None:
    labels = np.repeat(np.arange(10), 20)
    _, held_out = split_rows(labels, 0.2, seed=1, stratify=True)
    assert np.array_equal(np.bincount(labels[held_out]), np.full(10, 4))


def test_another_seed_gives_another_split() -> None:
    assert not np.array_equal(split_rows(100, 0.2, seed=0)[1], split_rows(100, 0.2, seed=1)[1])


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(InvalidRequest, match=f"{rows} usable row"):
        split_rows(rows, 0.2, seed=0)


def test_classes_of_one_row_each_cannot_be_held_out() -> None:
    with pytest.raises(InvalidRequest, match="each of the 3 classes has a single row"):
        split_rows(np.array(["a", "b", "c"]), 0.4, seed=0, stratify=True)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1])
def test_a_share_of_all_or_nothing_is_refused(fraction: float) -> None:
    with pytest.raises(InvalidRequest, match="between 0 and 1"):
        split_rows(10, fraction, seed=0)
