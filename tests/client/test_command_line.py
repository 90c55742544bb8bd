"""Lines as arguments: what a request cannot carry is named before it is sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
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


def test_frames_are_rows_and_arrays_are_lists() -> None:
    frame = pd.DataFrame({"wide": [1.5, None], "kind": ["a", None]})
    rows = [{"wide": 1.5, "kind": "a"}, {"wide": None, "kind": None}]
    assert as_json({"rows": frame, "others": (np.arange(2),)}) == {"rows": rows, "others": [[0, 1]]}
