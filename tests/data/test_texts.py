"""Columns of text: told from categories and names, made into the same numbers everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.data import Preprocessing, columns_of, describe
from aimass_jupyter.data.encoders import TextEncoder, TextSize, Unusable
from aimass_jupyter.data.profile import describe_column
from aimass_jupyter.data.words import features_of, number_of, numbers_of, words_of

NOTES = [f"the delivery number {number} was late again" for number in range(60)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Very GOOD, isn't it? 5 stars!", ["very", "good", "isn't", "it", "5", "stars"]),
        ("Ärger im Café", ["ärger", "im", "café"]),
        ("Ａ１ full width", ["a1", "full", "width"]),
        ("很好用", ["很", "好", "用"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("¡¿ … — !", []),
        ("", []),
    ],
)
def test_a_text_is_taken_apart_into_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_the_same_letters_written_otherwise_are_the_same_word() -> None:
    assert words_of("cafe\u0301") == words_of("café")


@given(st.text(alphabet=st.characters(), max_size=60))
def test_any_text_has_features_of_length_one_or_none(text: str) -> None:
    features = features_of(numbers_of([text], 16), 64)
    assert features.shape == (1, 64)
    wanted = 1.0 if words_of(text) else 0.0
    assert float(np.linalg.norm(features)) == pytest.approx(wanted, abs=1e-5)


def test_features_are_the_same_in_every_process() -> None:
    """Models travel: these numbers may never change while ``hashing`` is 1."""
    assert [number_of(word) for word in ("great", "很", "it's")] == [9753257, 5063751, 5977634]
    script = (
        "from aimass_jupyter.data.words import *\n"
        "print(features_of(numbers_of(['a very good day, a very good one'], 8), 32).nonzero()[1])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert said == {"[ 4  6  7  9 17 20 22 27 31]\n"}


def test_words_count_less_the_more_often_they_come_and_their_order_counts() -> None:
    width = 4096
    often, once = features_of(numbers_of(["good good good good bad", "good bad"], 8), width)
    slot_of_bad = set(features_of(numbers_of(["bad"], 8), width)[0].nonzero()[0])
    slot_of_good = set(features_of(numbers_of(["good"], 8), width)[0].nonzero()[0])
    (bad,), (good,) = slot_of_bad, slot_of_good
    assert once[good] == pytest.approx(once[bad])
    assert often[good] / often[bad] == pytest.approx(1 + np.log(4), rel=1e-5)
    turned = features_of(numbers_of(["bad good"], 8), width)[0]
    assert not np.array_equal(turned, once)
    assert turned[good] == pytest.approx(once[good])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (NOTES, "text"),
        ([f"the delivery number {number % 120} was late" for number in range(600)], "text"),
        (NOTES[:15] * 10, "category"),
        ([f"Mill Road {number % 80} north" for number in range(400)], "category"),
        ([f"C-{number}" for number in range(60)], "identifier"),
        ([f"Ada Byron{number}" for number in range(60)], "identifier"),
        (["6f9619ff-8b86-d011-b42d-00cf4fc964ff"[:-2] + f"{n:02}" for n in range(60)],
         "identifier"),
        ([f"https://example.com/shop/item/{number}" for number in range(60)], "identifier"),
        ([f"这个产品第{number}个很好用" for number in range(60)], "text"),
        ([None, *NOTES], "text"),
    ],
)  # fmt: skip
def test_texts_are_told_from_categories_and_names(values: list[str | None], kind: str) -> None:
    column = pa.chunked_array([pa.array(values * 2 if kind == "category" else values)])
    assert describe_column("c", column).kind == kind


def test_a_text_says_how_many_words_it_has() -> None:
    assert describe_column("c", pa.chunked_array([NOTES])).words == 7
    assert describe_column("c", pa.chunked_array([[1.5, 2.5]])).words is None


def test_long_names_of_classes_can_be_learnt() -> None:
    names = [f"a class with a long name {number % 110}" for number in range(400)]
    description = describe(pa.table({"x": range(400), "label": names}), "made here")
    assert description.columns[1].kind == "text"
    assert (description.label, description.task) == ("label", "classification")


TABLE = pa.table(
    {
        "note": [None if row % 20 == 3 else f"{text}, x {row % 7}" for row, text in
                 enumerate(NOTES * 2)],
        "price": [float(row % 11) for row in range(120)],
        "customer": [f"C-{row}" for row in range(120)],
        "y": ["yes" if row % 2 else "no" for row in range(120)],
    }
)  # fmt: skip


def fitted(size: TextSize = TextSize(64, 20)) -> Preprocessing:  # noqa: B008 - it cannot change
    columns = describe(TABLE, "made here").columns
    return Preprocessing.fit(TABLE, columns, "y", "classification", size)


def test_a_text_is_kept_as_words_and_read_as_features() -> None:
    preprocessing = fitted()
    assert (preprocessing.packed_shape, preprocessing.input_shape) == ((9 + 1,), (64 + 1,))
    assert list(preprocessing.dropped) == ["customer"]
    assert "too short to be texts" in preprocessing.dropped["customer"]
    columns = columns_of(TABLE)
    inputs = preprocessing.apply(columns)
    assert np.array_equal(preprocessing.unpack(preprocessing.pack(columns)), inputs)
    assert inputs.dtype == np.float32
    assert not inputs[3, :64].any()  # a missing text has no words
    assert np.linalg.norm(inputs[0, :64]) == pytest.approx(1, abs=1e-5)
    again = Preprocessing.from_json(preprocessing.to_json())
    assert np.array_equal(again.apply(columns), inputs)


def test_a_text_is_asked_for_as_text() -> None:
    signature = fitted().signature()
    assert [(spec.name, spec.datatype) for spec in signature.inputs] == [
        ("note", "BYTES"),
        ("price", "FP64"),
    ]
    assert signature.example["note"] == TABLE["note"][0].as_py()
    long = pa.array([f"{'a word ' * 1000}{text}" for text in NOTES * 2])
    table = TABLE.set_column(0, "note", long)
    columns = describe(table, "made here").columns
    other = Preprocessing.fit(table, columns, "y", "classification")
    assert other.signature().example["note"] == ("a word " * 1000)[:500]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a word", 5], "row 2 of column 'note' is 5, which is no text"),
        ([["a", "b"], ["c", "d"]], "one value a row"),
    ],
)
def test_what_is_no_text_is_named(values: list[Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        fitted().apply({"note": values, "price": [1.0, 2.0]})


def test_a_text_longer_than_those_of_training_is_cut() -> None:
    encoder = fitted().features[0]
    assert isinstance(encoder, TextEncoder)
    long = "one two three four five six seven eight nine ten eleven"
    assert np.array_equal(
        encoder.encode([long]), encoder.encode(["one two three four five six seven eight nine"])
    )
    assert fitted(TextSize(64, 4)).packed_shape == (5,)


def test_texts_without_words_are_left_out() -> None:
    with pytest.raises(Unusable, match="no words"):
        TextEncoder.fit("note", np.array(["…", "!", None], object), TextSize())
    with pytest.raises(Unusable, match="the same in every row"):
        TextEncoder.fit("note", np.array(["so so", "So, so!"], object), TextSize())


def test_bytes_that_are_no_utf_8_and_halves_of_letters_do_no_harm() -> None:
    encoder = fitted().features[0]
    odd = encoder.encode([b"late \xff again", "late \ud800 again"])
    assert np.isfinite(odd).all()
    assert np.array_equal(odd[0], odd[1])
