"""Texts into features: the product's encoder beside scikit-learn's HashingVectorizer.

::

    python benchmarks/texts.py [--pairs 5] [--rows 5000] [--words 60] [--slots 1024]

Texts are made of words as they are spread in language (Zipf), the same for both. The product's
rate is of both halves of its work: texts to numbers of words, which happens once, and those to
features by batches of 64, which happens in every epoch; the rate of the second is told beside it.
The peer gives features of the same kind: words and pairs hashed into slots, rows of length 1, in
batches of 64 made dense, as a network needs them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from figures import Comparison, publish, version_of
from sklearn.feature_extraction.text import HashingVectorizer

from aimass_jupyter.data.words import numbers_of
from aimass_jupyter.training.text_rows import features_of

BATCH = 64
VOCABULARY = 30_000


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--words", type=int, default=60, help="of a text, on average")
    parser.add_argument("--slots", type=int, default=1024)
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts = made_up(options.rows, options.words)
    numbers = torch.from_numpy(numbers_of(texts, 2 * options.words))
    ours, again, theirs = [], [], []
    for _ in range(options.pairs):
        ours.append(rate(lambda: from_texts(texts, options.words, options.slots), len(texts)))
        again.append(rate(lambda: from_numbers(numbers, options.slots), len(texts)))
        theirs.append(rate(lambda: vectorized(texts, options.slots), len(texts)))
        print(f"ours {ours[-1]:.1f}, HashingVectorizer {theirs[-1]:.1f} thousand texts/s")
    note = f"{statistics.median(again):.0f} thousand texts/s in later epochs; {options.words} words"
    publish(
        "texts",
        [
            Comparison(
                "HashingVectorizer", version_of("scikit-learn"), ours, theirs,
                "thousand texts/s", goal=1.0, more_is_better=True, note=note,
            )
        ],
    )  # fmt: skip


def made_up(count: int, words: int) -> list[str]:
    """Texts of half to one and a half times so many words."""
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = [
        "".join(random.choice(letters, random.integers(2, 10))) for _ in range(VOCABULARY)
    ]
    lengths = random.integers(words // 2, words * 3 // 2, count)
    ranks = np.minimum(random.zipf(1.3, int(lengths.sum())), VOCABULARY) - 1
    ends = np.cumsum(lengths)
    return [
        " ".join(vocabulary[rank] for rank in ranks[end - length : end])
        for end, length in zip(ends, lengths, strict=True)
    ]


def from_texts(texts: list[str], words: int, slots: int) -> None:
    """As a job does it in its first epoch."""
    from_numbers(torch.from_numpy(numbers_of(texts, 2 * words)), slots)


def from_numbers(numbers: torch.Tensor, slots: int) -> None:
    """As a job does it in every epoch."""
    for batch in numbers.split(BATCH):
        features_of(batch, slots)


def vectorized(texts: list[str], slots: int) -> None:
    """What scikit-learn offers for it."""
    hashing = HashingVectorizer(n_features=slots, ngram_range=(1, 2), alternate_sign=False)
    for start in range(0, len(texts), BATCH):
        hashing.transform(texts[start : start + BATCH]).toarray().astype(np.float32)


def rate(work: Callable[[], None], texts: int) -> float:
    """Thousand texts a second."""
    started = time.perf_counter()
    work()
    return texts / (time.perf_counter() - started) / 1e3


if __name__ == "__main__":
    main()
