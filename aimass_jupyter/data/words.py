"""Words of a text as numbers, and from those what a network reads. It knows no columns.

A word becomes a number of 24 bits, which float32 holds exactly: texts are kept as rows of such
numbers, a tenth of the size of their features, and so that words can still be left out or swapped.
The features are made from them batch by batch. Nothing is learnt here, so no vocabulary travels:
the same text gives the same features in every process, on every machine.
"""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize
from zlib import crc32

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float32]

NO_WORD = 0
_WORD_NUMBERS = (1 << 24) - 1

# Scripts that are written without spaces: each of their letters is a word, and pairs tell the rest.
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# Signs that belong to the letter before them, and that Python does not count among letters.
_SIGNS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_DENSE = re.compile(rf"[{_ALONE}]")
_LETTER = rf"[\w{_SIGNS}{_ALONE}]"
_WORD = re.compile(rf"{_LETTER}+(?:['’]{_LETTER}+)*")


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters; what is between them is passed over."""
    if not text.isascii():
        text = _DENSE.sub(r" \g<0> ", normalize("NFKC", text))
    return _WORD.findall(text.lower())


def count_words(text: str) -> float:
    """Return how many words a reader would count: those between spaces, apart from single signs.

    Two letters of a script without spaces count as one.
    """
    dense = len(_DENSE.findall(text))
    return len(_DENSE.sub(" ", text).split()) + dense / 2


def number_of(word: str) -> int:
    """Return the number of a word, above 0."""
    return crc32(word.encode("utf-8", "replace")) % _WORD_NUMBERS + 1


def numbers_of(texts: list[str], most: int) -> Words:
    """Return the first ``most`` words of each text as numbers, (rows, most), filled up with 0."""
    numbers = np.zeros((len(texts), most), np.float32)
    known: dict[str, int] = {}
    for row, text in zip(numbers, texts, strict=True):
        found = words_of(text)[:most]
        for word in found:
            if word not in known:
                known[word] = number_of(word)
        row[: len(found)] = [known[word] for word in found]
    return numbers


def slots_of(words: Any, width: int) -> tuple[Any, Any]:
    """Return the slot of each word, and of each word with the next one.

    Parameters
    ----------
    words
        Integers of 64 bits, (rows, most): an array, or a tensor.

    Returns
    -------
    tuple
        (rows, most) and (rows, most - 1) below ``width``; -1 where there is no word or no pair.
    """
    present = words > NO_WORD
    pairs = present[:, :-1] & present[:, 1:]
    joined = words[:, :-1] * 0x2C1B3C6D + words[:, 1:] * 0x297A2D39 + 1
    return _slots(words, present, width), _slots(joined & 0xFFFFFFFF, pairs, width)


def _slots(values: Any, valid: Any, width: int) -> Any:
    """Spread 32 bits over the slots: multiplications between shifts, as integer hashes do."""
    values = values ^ (values >> 16)
    values = (values * 0x7FEB352D) & 0xFFFFFFFF
    values = values ^ (values >> 15)
    values = (values * 0x31848BAB) & 0xFFFFFFFF
    values = values ^ (values >> 16)
    return (values % width + 1) * valid - 1


def features_of(words: Words, width: int) -> Matrix:
    """Return what a network reads of texts: (rows, width), each row of length 1 or 0.

    A slot counts the words and the pairs of neighbours that fall into it. A count grows as
    1 + ln(count): what is said ten times is not ten times as telling.
    """
    rows = len(words)
    first = np.arange(rows)[:, np.newaxis] * width
    found = [
        (first + slots)[slots >= 0].ravel() for slots in slots_of(words.astype(np.int64), width)
    ]
    counts = np.bincount(np.concatenate(found), minlength=rows * width).reshape(rows, width)
    weights: Matrix = np.zeros(counts.shape, np.float32)
    weights[counts > 0] = 1 + np.log(counts[counts > 0])
    lengths = np.sqrt((weights * weights).sum(axis=1, keepdims=True))
    weights /= np.maximum(lengths, 1)
    return weights
