"""A line as words, with Python values in their place; completion."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.magics.completion import complete
from aimass_jupyter.magics.words import split

NAMES: dict[str, list[str]] = {
    "datasets": ["digits", "sales"],
    "models": ["digits", "digits@production"],
    "columns of sales": ["unit price", "churned"],
}


def names_of(kind: str) -> list[str]:
    return NAMES.get(kind, [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train --np 2", ["train", "--np", "2"]),
        ("train --np {n} --name run-{n}", ["train", "--np", 3, "--name", "run-3"]),
        ("predict digits {rows}", ["predict", "digits", [{"a": 1}]]),
        ("predict digits $rows", ["predict", "digits", [{"a": 1}]]),
        ("""predict digits '[{"a": 1}]'""", ["predict", "digits", '[{"a": 1}]']),
        ('predict digits [{"a": 1}]', ["predict", "digits", [{"a": 1}]]),
        ("import 'my file.csv'", ["import", "my file.csv"]),
        ("train --params={params}", ["train", "--params={'epochs': 2}"]),
        ("", []),
    ],
)
def test_values_of_the_notebook_take_their_place(line: str, words: list[Any]) -> None:
    namespace = {"n": 3, "rows": [{"a": 1}], "params": {"epochs": 2}}
    assert split(line, namespace) == words


@pytest.mark.parametrize("line", ["train --np {ranks}", "train --np $ranks", "a 'b"])
def test_what_the_notebook_does_not_have_is_named(line: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        split(line, {"rank": 2})
    assert raised.value.hint


@pytest.mark.parametrize("line", ["train --np {1 / n}", "predict digits [1 / n]"])
def test_python_that_fails_is_a_line_of_its_own(line: str) -> None:
    with pytest.raises(InvalidRequest, match="ZeroDivisionError: division by zero"):
        split(line, {"n": 0})


@given(st.lists(st.text("abcdefghij-_0123456789", min_size=1), max_size=6))
def test_plain_words_are_cut_at_spaces(words: list[str]) -> None:
    assert split("  ".join(words), {}) == words


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tr", ["train"]),
        ("datasets ", ["delete", "import", "list", "show"]),
        ("train --dataset s", ["sales"]),
        ("train --engine h", ["horovod"]),
        ("train --engine=h", ["--engine=horovod"]),
        ("train --optimizer ", ["adamw", "sgd"]),
        ("train --algorithm regression --stop-metric r", ["r2", "rmse"]),
        ("train --epochs ", []),
        ("train --dataset sales --label ", ["'unit price'", "churned"]),
        ("train --label ", []),
        ("train --algorithm classification --ep", ["--epochs"]),
        ("deploy digits@", ["digits@production"]),
        ("help dep", ["deploy"]),
        ("nonsense ", []),
    ],
)
def test_completion_offers_what_may_stand_there(line: str, offered: list[str]) -> None:
    assert complete(line, names_of) == offered
