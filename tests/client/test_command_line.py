"""Lines as arguments: what a request cannot carry is named before it is sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aimass_jupyter.client.values import as_json, refuse_what_json_lacks
from aimass_jupyter.contract.errors import InvalidRequest


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"params": {"lr": float("inf")}}, "params.lr: inf cannot be sent"),
        ({"rows": [{"a": 1.0}, {"a": float("nan")}]}, "rows.1.a: nan cannot be sent"),
    ],
)
def test_numbers_that_json_lacks_are_named(value: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        refuse_what_json_lacks(value)
    assert said in raised.value.message


def test_all_other_values_pass() -> None:
    refuse_what_json_lacks({"rows": [{"a": 1.5, "b": None}], "text": "inf", "whole": 10**400})


class Frame:
    """What answers as a data frame does; the library that has them is not among the packages."""

    columns = ("wide", "kind")

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return [{"wide": np.float64(1.5), "kind": "a"}, {"wide": float("nan"), "kind": None}]


def test_frames_are_rows_and_arrays_are_lists() -> None:
    rows = [{"wide": 1.5, "kind": "a"}, {"wide": None, "kind": None}]
    given = {"rows": Frame(), "others": (np.arange(2),)}
    assert as_json(given) == {"rows": rows, "others": [[0, 1]]}
