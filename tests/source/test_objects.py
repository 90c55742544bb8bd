"""Data of a notebook: what goes out comes in again, and nothing is a pickle."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import logging
import re
import types
import uuid
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aimass_jupyter.source.objects import MAX_OBJECT_BYTES, decode, encode
from aimass_jupyter.source.refusals import CannotTravel

_KEYS = st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.tuples(st.integers()))
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.complex_numbers(allow_nan=False),
    st.sets(st.integers()),
    st.frozensets(st.text()),
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(_KEYS, inner)
    ),
    max_leaves=20,
)


@given(_VALUES)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    back = decode(*encode(value))
    assert back == value
    assert repr(back) == repr(value) or isinstance(value, set | frozenset | dict | list | tuple)


@pytest.mark.parametrize(
    "value",
    [
        collections.OrderedDict(b=1, a=2),
        collections.Counter("abba"),
        collections.deque([1, 2]),
        decimal.Decimal("1.10"),
        Fraction(1, 3),
        range(1, 9, 2),
        slice(1, None),
        Path("a/b"),
        re.compile("a+", re.IGNORECASE),
        types.SimpleNamespace(a=(1, 2)),
        argparse.Namespace(lr=0.1, sizes=(1, 2)),
        uuid.UUID(int=5),
        bytearray(b"ab"),
        logging.getLogger("mine"),
        datetime.time(1, 2, 3),
        {"$tuple": [1]},
        {"$dict": {"$set": 1}},
        float("inf"),
        np.float32(1.5),
        np.int64(7),
        np.dtype("float32"),
        torch.device("cpu"),
        torch.float16,
        {"learning rate": np.float64(0.1), "sizes": [np.int32(3)]},
    ],
)
def test_these_too(value: Any) -> None:
    back = decode(*encode(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("zone", [None, datetime.UTC])
def test_of_two_hours_of_the_same_name_the_second_stays_the_second(zone: Any) -> None:
    second = datetime.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zone)
    assert decode(*encode(second)).fold == 1  # which equality does not look at
    assert decode(*encode(second.timetz())).fold == 1
    assert decode(*encode(second.replace(fold=0))).fold == 0


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="int16").reshape(2, 3),
        np.array(["a", "bc"]),
        np.array(3.5),
        np.zeros((0, 4), "complex64"),
        np.array([("x", 1)], dtype=[("name", "U4"), ("n", "i4")]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
    ],
)
def test_arrays_keep_type_and_shape(array: Any) -> None:
    form, content = encode(array)
    back = decode(form, content)
    assert form == "npy"
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_tables_and_tensors() -> None:
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    assert decode(*encode(table)).equals(table)
    tensor = torch.arange(4.0).reshape(2, 2)
    assert torch.equal(decode(*encode(tensor)), tensor)
    nested = decode(*encode({"w": tensor, "a": [np.ones(2)]}))
    assert torch.equal(nested["w"], tensor)
    assert np.array_equal(nested["a"][0], np.ones(2))


def test_what_is_to_be_learnt_is_learnt_in_the_job_too() -> None:
    leaf = torch.ones(2, requires_grad=True)
    for back in (decode(*encode(leaf)), decode(*encode([leaf]))[0]):
        assert back.requires_grad
        assert torch.equal(back, leaf)
    turned = torch.ones(2, dtype=torch.complex64).conj()
    assert torch.equal(decode(*encode(turned)), turned)


def test_the_same_value_always_gives_the_same_bytes() -> None:
    assert encode({"b", "a", "c"}) == encode({"c", "b", "a"})


def test_what_is_too_large_is_refused_before_it_is_copied() -> None:
    large = np.broadcast_to(np.float64(1), (MAX_OBJECT_BYTES // 8 + 1,))
    with pytest.raises(CannotTravel, match="at most"):
        encode(large)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (torch.nn.Linear(1, 1), "a torch model"),
        (torch.optim.SGD([torch.zeros(1, requires_grad=True)]), "a torch optimizer"),
        (torch.utils.data.TensorDataset(torch.zeros(1)), "a torch data set or loader"),
        (iter([1]), "an iterator"),
        (np.ma.array([1, 2], mask=[0, 1]), "a masked array"),
        ([np.ma.array([1])], "a masked array"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]).view(np.recarray), "recarray"),
        (np.random.default_rng(1), "a generator of random numbers"),
        ({"square": lambda x: x * x}, "holds a function"),
        ([pa.table({"a": [1]})], "holds a table"),
        (collections.defaultdict(list), "a defaultdict"),
        ([].append, "a method bound to an object"),
        (object(), "is an object of class"),
        (np.array([None]), "Python objects"),
        (torch.zeros(1, dtype=torch.bfloat16), "tensor of torch.bfloat16"),
    ],
)
def test_what_cannot_travel_is_named_with_a_cure(value: Any, what: str) -> None:
    with pytest.raises(CannotTravel) as raised:
        encode({"deep": [value]}) if what != "Python objects" else encode(value)
    assert what in raised.value.what
    assert raised.value.cure


def test_what_holds_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CannotTravel, match="holds itself"):
        encode(endless)
