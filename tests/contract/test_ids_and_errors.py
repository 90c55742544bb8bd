"""Ids sort by time; errors survive the wire."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.contract import errors
from aimass_jupyter.contract.ids import is_id, new_id, plain_name, ulid


@given(st.integers(0, 2**48 - 2))
def test_ulids_sort_by_time(milliseconds: int) -> None:
    assert ulid(milliseconds) < ulid(milliseconds + 1)


@given(st.binary(min_size=10, max_size=10))
def test_ulids_have_26_digits(entropy: bytes) -> None:
    assert len(ulid(0, entropy)) == 26


def test_an_id_is_recognised_by_its_prefix() -> None:
    assert is_id(new_id("job"), "job")
    assert not is_id(new_id("job"), "run")
    assert not is_id("job_../../etc/passwd", "job")


def test_a_name_keeps_the_letters_of_what_it_is_made_of() -> None:
    assert plain_name("Übersicht der Maße (Größe)") == "Ubersicht-der-Masse-Grosse"
    assert plain_name("名前") == ""


def test_an_error_comes_back_as_the_same_class_with_the_same_words() -> None:
    sent = errors.NotFound("there is no job 'x'", "see: jobs list")
    found = errors.from_problem(sent.problem())
    assert type(found) is errors.NotFound
    assert str(found) == str(sent)


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = errors.AimassError.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds)


@given(st.text(max_size=20))
def test_the_nearest_word_is_one_that_is_known(value: str) -> None:
    hint = errors.did_you_mean(value, ["digits", "iris"])
    assert "digits" in hint or "iris" in hint


def test_first_letters_stand_for_a_name_of_several_words() -> None:
    known = ["batch-size", "last-rate", "learning-rate", "layers"]
    assert errors.did_you_mean("bs", known) == "did you mean 'batch-size'?"
    assert errors.did_you_mean("lr", known) == "did you mean 'last-rate' or 'learning-rate'?"
    assert errors.did_you_mean("", ["digits", "iris"]) == "known: digits, iris"
    many = [f"name{index}" for index in range(errors.MOST_NAMES + 1)]
    assert errors.did_you_mean("zz", many).endswith(", …")
