"""Rows: every rank its share, nothing held out is trained on, nothing is left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.training.place import Place, find_place
from tests.training.conftest import MakeSpec, rows_of


def as_set(inputs: torch.Tensor) -> set[bytes]:
    return {row.numpy().tobytes() for row in inputs}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_ranks_share_all_rows_between_them(make_spec: MakeSpec, size: int) -> None:
    spec = make_spec("digits")
    alone = rows_of(spec)
    shares = [rows_of(spec, Place(rank, size)) for rank in range(size)]
    assert {len(share.training) for share in shares} == {alone.training_rows}
    assert sum(len(share.held_out) for share in shares) == alone.held_out_rows
    trained = set().union(*(as_set(share.training.inputs) for share in shares))
    assert trained == as_set(alone.training.inputs)
    assert not trained & as_set(alone.held_out.inputs)
    assert {share.preprocessing.to_json() for share in shares} == {alone.preprocessing.to_json()}


@pytest.mark.parametrize(("size", "batch_size"), [(1, 64), (2, 64), (3, 7), (5, 100_000)])
def test_an_epoch_shows_every_row_once(make_spec: MakeSpec, size: int, batch_size: int) -> None:
    spec = make_spec("wine")
    shares = [rows_of(spec, Place(rank, size)) for rank in range(size)]
    steps = {share.steps(batch_size) for share in shares}
    assert len(steps) == 1
    epochs = [list(share.batches(0, min(steps))) for share in shares]
    assert {len(batches) for batches in epochs} == steps
    sizes = [sum(len(part) for part in step) for step in zip(*epochs, strict=True)]
    assert max(sizes) <= batch_size
    assert sum(sizes) == shares[0].training_rows
    shown = set().union(*(as_set(part.inputs) for batches in epochs for part in batches))
    assert shown == as_set(shares[0].training.inputs)


@given(size=st.integers(1, 7), other=st.integers(1, 7), first=st.integers(0, 6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_a_batch_has_the_same_rows_whatever_the_number_of_ranks(
    make_spec: MakeSpec, size: int, other: int, first: int
) -> None:
    spec = make_spec("wine")
    steps = rows_of(spec).steps(20)

    def batches(ranks: int) -> list[set[bytes]]:
        shares = [rows_of(spec, Place(rank, ranks)) for rank in range(ranks)]
        parts = zip(*(share.batches(3, steps, first) for share in shares), strict=True)
        return [set().union(*(as_set(part.inputs) for part in batch)) for batch in parts]

    assert batches(size) == batches(other)
    assert len(batches(size)) == steps - first


def test_each_epoch_has_an_order_of_its_own_that_repeats(make_spec: MakeSpec) -> None:
    rows = rows_of(make_spec("iris"))
    first, again, next_epoch = (
        torch.cat([part.targets for part in rows.batches(epoch, 4)]) for epoch in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, next_epoch)


def test_classes_keep_their_shares(make_spec: MakeSpec) -> None:
    rows = rows_of(make_spec("iris"))
    assert np.bincount(rows.held_out.targets).tolist() == [10, 10, 10]


def test_no_label_tells_the_columns(make_spec: MakeSpec) -> None:
    with pytest.raises(InvalidRequest, match=r"no label to learn \(columns: image, digit\)"):
        rows_of(make_spec("digits", label=""))


def test_a_wrong_label_tells_the_nearest(make_spec: MakeSpec) -> None:
    with pytest.raises(InvalidRequest, match=r"no column 'digits'.*did you mean 'digit'"):
        rows_of(make_spec("digits", label="digits"))


def test_more_ranks_than_rows_are_refused(make_spec: MakeSpec) -> None:
    spec = make_spec("iris")
    assert len(next(rows_of(spec, Place(119, 120)).batches(0, 1))) == 1
    with pytest.raises(InvalidRequest, match="leaves 120 rows to train on, fewer than 121 ranks"):
        rows_of(spec, Place(0, 121))


def test_the_place_is_what_the_launcher_says() -> None:
    horovod = {
        "HOROVOD_RANK": "3", "HOROVOD_SIZE": "4", "HOROVOD_LOCAL_RANK": "1",
        "HOROVOD_LOCAL_SIZE": "2", "RANK": "9",
    }  # fmt: skip
    torchrun = {
        "TORCHELASTIC_RUN_ID": "x", "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "2",
    }  # fmt: skip
    assert find_place(horovod) == Place(3, 4, 1, 2)
    assert find_place(torchrun) == Place(1, 2, 1, 2)
    assert find_place({"RANK": "5", "WORLD_SIZE": "7"}) == Place()
