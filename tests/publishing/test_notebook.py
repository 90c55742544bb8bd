"""What is published of a notebook, and what is refused before anything is started."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_server.publishing.notebook import freeze

WRONG_KERNEL = {"name": "pyton3", "display_name": "Pyton"}


def content(*cells: Any, **metadata: Any) -> bytes:
    return nbformat.writes(nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)).encode()


def code(source: str, **fields: Any) -> Any:
    return nbformat.v4.new_code_cell(source, **fields)


def test_outputs_and_traces_of_its_making_are_left_out() -> None:
    output = nbformat.v4.new_output("stream", text="a secret that was printed")
    made = content(
        nbformat.v4.new_markdown_cell("# Sales"),
        code("print(secret)", outputs=[output], execution_count=7),
        widgets={"state": "a secret in a widget"},
        voila={"theme": "dark"},
    )
    frozen = freeze(made, "sales.ipynb")
    served = json.loads(frozen.content)
    assert "a secret" not in frozen.content.decode()
    assert served["cells"][1]["source"] == "print(secret)"
    assert served["cells"][1]["execution_count"] is None
    assert served["metadata"]["title"] == "sales"
    assert served["metadata"]["voila"] == {"theme": "dark"}
    assert served["metadata"]["kernelspec"]["name"] == "python3"


def test_the_marks_are_in_the_last_cell_and_tell_source_from_output() -> None:
    frozen = freeze(content(code("1")), "x.ipynb")
    last = json.loads(frozen.content)["cells"][-1]["source"]
    assert frozen.source_mark in last
    assert frozen.end_mark in last
    assert frozen.source_mark != frozen.end_mark


def test_cells_are_counted_as_a_person_counts_them() -> None:
    frozen = freeze(
        content(nbformat.v4.new_markdown_cell("a"), code("x = 1\ny"), code("\n z")), "x.ipynb"
    )
    assert [frozen.number_of(index) for index in (1, 2)] == [1, 2]
    assert frozen.first_lines == {1: "x = 1", 2: "z"}


def test_an_old_notebook_is_brought_to_the_newest_format() -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "old"},
        "worksheets": [
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "input": "1 + 1",
                        "language": "python",
                        "outputs": [],
                        "collapsed": False,
                    }
                ]
            }
        ],
    }
    served = json.loads(freeze(json.dumps(old).encode(), "old.ipynb").content)
    assert served["nbformat"] == 4
    assert served["cells"][0]["source"] == "1 + 1"


@pytest.mark.parametrize(
    ("made", "filename", "told"),
    [
        (b"{}", "x.txt", "'x.txt' is not a notebook"),
        (b"no JSON", "x.ipynb", "does not hold JSON"),
        (b"\xff\xfe", "x.ipynb", "does not hold JSON"),
        (b"[" * 100_000, "x.ipynb", "does not hold JSON"),
        (b"[]", "x.ipynb", "is not a notebook"),
        (b"{}", "x.ipynb", "is no"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "x.ipynb", "is no"),
        (b'{"nbformat": 99, "nbformat_minor": 0, "cells": []}', "x.ipynb", "is no"),
        (content(), "x.ipynb", "'x.ipynb' is empty"),
        (content(code(" \n ")), "x.ipynb", "'x.ipynb' is empty"),
        (content(code("1"), kernelspec=WRONG_KERNEL), "x.ipynb", "kernel 'pyton3'"),
        (content(code("1"), voila={"template": "labb"}), "x.ipynb", "template 'labb'"),
        (content(code("1"), voila={"template": "../lab"}), "x.ipynb", "template '../lab'"),
        (content(code("1"), voila={"template": ["lab"]}), "x.ipynb", "template"),
    ],
)
def test_what_cannot_be_published_is_refused_with_a_cure(
    made: bytes, filename: str, told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told) as caught:
        freeze(made, filename)
    assert caught.value.hint


def test_a_missing_kernel_is_told_with_the_nearest_that_there_is() -> None:
    with pytest.raises(InvalidRequest) as caught:
        freeze(content(code("1"), kernelspec=WRONG_KERNEL), "x.ipynb")
    assert "did you mean 'python3'?" in caught.value.hint


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=12,
    ),
    st.sampled_from(["metadata", "cells", "nbformat", "nbformat_minor"]),
)
@settings(max_examples=150, deadline=None)
def test_any_json_is_a_notebook_or_is_refused(value: Any, key: str) -> None:
    notebook = json.loads(content(code("1"))) | {key: value}
    try:
        frozen = freeze(json.dumps(notebook).encode(), "x.ipynb")
    except InvalidRequest:
        return
    nbformat.validate(nbformat.reads(frozen.content.decode(), as_version=4))
