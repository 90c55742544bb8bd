"""Exchanges: whatever the way, ranks step as one with all rows would. Real ranks."""

from __future__ import annotations

import os
import re
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.engine import Engine, SingleEngine
from aimass_jupyter.training.exchange import (
    EngineSums,
    Exchange,
    SharedSums,
    SharedWeights,
    make_exchange,
)
from aimass_jupyter.training.failure import Disconnected
from aimass_jupyter.training.local_steps import WHOLE_EVERY, LocalSteps
from aimass_jupyter.training.optimizer import make_optimizer
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.stripes import pieces_of, stripe_of
from aimass_jupyter.training.weights import Weights
from tests.training.gang import run_gang

SHAPES = [(1, 1, 1), (3, 5, 2), (40, 129, 7), (17, 700, 200)]
KINDS = {"plain": {}, "clipped": {"clip_norm": 1e9}, "engine": {"collectives": "engine"}}


@given(st.integers(0, 10_000_000), st.integers(1, 64))
def test_stripes_are_all_of_a_vector_once(count: int, size: int) -> None:
    stripes = [stripe_of(count, rank, size) for rank in range(size)]
    assert stripes[0].start == 0
    assert stripes[-1].stop == count
    assert all(a.stop == b.start for a, b in pairwise(stripes))
    assert all(stripe.start % 16 == 0 or stripe.start == count for stripe in stripes)
    for stripe in stripes[:2]:
        assert sum(p.stop - p.start for p in pieces_of(stripe)) == stripe.stop - stripe.start


def network(shape: tuple[int, int, int]) -> nn.Module:
    torch.manual_seed(1)
    first, hidden, last = shape
    body = nn.Sequential(nn.Linear(first, hidden), nn.Tanh(), nn.Linear(hidden, last))
    body.register_parameter("unused", nn.Parameter(torch.ones(3)))
    return body


def params_of(**changes: object) -> Hyperparameters:
    return hyperparameters_of("regression", {"learning_rate": 0.01, **changes})


def steps(
    engine: Engine, shape: tuple[int, int, int], params: Hyperparameters, count: int = 5
) -> tuple[Exchange, Tensor, dict[str, Tensor], list[float]]:
    """Take steps on uneven shares of the same rows."""
    net = network(shape)
    weights = Weights(net)
    optimizer = make_optimizer(params, weights.values)
    exchange = make_exchange(params, weights, optimizer, engine)
    place, losses = engine.place, []
    torch.manual_seed(2)
    for step in range(count):
        rows = torch.randn(7, shape[0])
        mine = rows[place.rank :: place.size] if step else rows[: 7 * (place.rank == 0)]
        weights.clear_gradients(exchange.divisor(len(mine)))
        loss = net(mine).square().sum()
        loss.backward()
        losses.append(exchange.average(loss, len(mine)).item())
        exchange.step(0.01, 0.9)
        exchange.settle(step + 1, last=step + 1 == count)
    return exchange, weights.values.clone(), optimizer.state, losses


def agree_with_one(engine: Engine) -> None:
    """What each rank of a gang does: every way gives what one rank with all rows would get."""
    wanted_kinds = {"plain": SharedWeights, "clipped": SharedSums, "engine": EngineSums}
    for shape in SHAPES:
        for rule in ("adamw", "sgd"):
            _, wanted, state, losses = steps(
                SingleEngine(Place()), shape, params_of(optimizer=rule)
            )  # fmt: skip
            for kind, changes in KINDS.items():
                got = steps(engine, shape, params_of(optimizer=rule, **changes))
                assert type(got[0]) is wanted_kinds[kind], (kind, got[0])
                assert torch.allclose(got[1], wanted, atol=2e-6), (shape, rule, kind)
                assert got[3] == pytest.approx(losses, rel=1e-4)
                for name, kept in state.items():
                    assert torch.allclose(got[2][name], kept, atol=2e-6), (shape, rule, kind, name)
                again = steps(engine, shape, params_of(optimizer=rule, **changes))
                assert torch.equal(again[1], got[1]), "a rerun differs"
                everyone = engine.gather(got[1][None])
                assert all(torch.equal(one, got[1]) for one in everyone), "ranks differ"
    engine.shutdown()


@pytest.mark.parametrize(("engine", "size"), [("torchrun", 2), ("torchrun", 3), ("horovod", 2)])
def test_ranks_step_as_one_rank_does(engine: str, size: int) -> None:
    if engine == "horovod":
        pytest.importorskip("horovod.torch", reason="Horovod is not built here")
    codes, said = run_gang(agree_with_one, engine, size)
    assert codes == [0] * size, said


def carry_nan(engine: Engine) -> None:
    for changes in KINDS.values():
        params = params_of(**changes)
        net = network((3, 5, 2))
        weights = Weights(net)
        exchange = make_exchange(params, weights, make_optimizer(params, weights.values), engine)
        loss = net(torch.ones(2, 3)).sum() * (torch.nan if engine.place.rank == 1 else 1)
        loss.backward()
        assert exchange.average(loss, 2).isnan()
        assert weights.gradients[3:].isnan().all()
    engine.shutdown()


def test_a_nan_of_one_rank_is_seen_by_all() -> None:
    codes, said = run_gang(carry_nan, "torchrun", 2)
    assert codes == [0, 0], said


def average_seldom(engine: Engine) -> None:
    for collectives in ("auto", "engine"):
        params = params_of(local_steps=4, collectives=collectives)
        shape = (5, 20, 3)
        apart = steps(engine, shape, params, count=3)  # the last one is a meeting, whatever
        assert type(apart[0]) is LocalSteps
        everyone = engine.gather(apart[1][None])
        assert torch.equal(everyone[0], everyone[1])
        moments = engine.gather(apart[2]["mean"].clone()[None])
        assert torch.equal(moments[0], moments[1])

        net = network(shape)
        weights = Weights(net)
        optimizer = make_optimizer(params, weights.values)
        exchange = make_exchange(params, weights, optimizer, engine)
        whole = 4 * WHOLE_EVERY
        for done in range(1, 2 * whole + 1):
            weights.clear_gradients(exchange.divisor(2))
            loss = net(torch.full((2, 5), 1.0 + engine.place.rank)).sum()
            loss.backward()
            exchange.average(loss, 2)
            exchange.step(0.01, 0.9)
            before = engine.gather(weights.values.clone()[None])
            settled = exchange.settle(done, last=False)
            after = engine.gather(weights.values.clone()[None])
            moments = engine.gather(optimizer.state["square"].clone()[None])
            assert torch.equal(after[0], after[1]) == (done % 4 == 0)
            assert torch.equal(moments[0], moments[1]) == settled == (done % whole == 0)
            if done % 4 == 0:
                assert torch.allclose(after[0], before.mean(dim=0), atol=1e-6)
    engine.shutdown()


def test_local_steps_average_weights_when_told() -> None:
    codes, said = run_gang(average_seldom, "torchrun", 2)
    assert codes == [0, 0], said


def lose_one(engine: Engine, how: str, place: str, folder: str) -> None:
    """Rank 1 dies; the others must say that it is gone, and soon."""
    params = params_of()
    net = network((3, 5, 2))
    weights = Weights(net)
    exchange = make_exchange(params, weights, make_optimizer(params, weights.values), engine)
    for step in range(3):
        weights.clear_gradients()
        loss = net(torch.ones(2, 3)).sum()
        loss.backward()
        if engine.place.rank == 1 and step == 2:
            time.sleep(0.2 if place == "waited for" else 0)
            os.kill(os.getpid(), getattr(signal, how))
        time.sleep(0.5 if step == 2 and place == "gone before" else 0)
        begun = time.monotonic()
        try:
            exchange.average(loss, 2)
        except Disconnected as lost:
            print(f"{lost} after {time.monotonic() - begun:.1f} s")
            (Path(folder) / str(engine.place.rank)).touch()
            while len(list(Path(folder).iterdir())) < 2:  # or who is late misses this one, too
                time.sleep(0.01)
            os._exit(5)
        exchange.step(0.01, 0.9)
    os._exit(0)


@pytest.mark.faults
@pytest.mark.parametrize("place", ["waited for", "gone before"])
def test_a_dead_rank_is_told_at_once(place: str, tmp_path: Path) -> None:
    """At once but for what a busy machine takes: half an hour is waited for one that lives."""
    codes, said = run_gang(lose_one, "torchrun", 3, "SIGKILL", place, str(tmp_path))
    assert codes == [5, -signal.SIGKILL, 5]
    told = [float(seconds) for seconds in re.findall(r"rank 1 is gone after ([\d.]+) s", said)]
    assert len(told) == 2, said
    assert max(told) < 20, said


def count_descriptors(engine: Engine) -> None:
    """Shared memory goes with the tensors in it, at once: no cycle keeps them."""
    steps(engine, (40, 129, 7), params_of(), count=1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        steps(engine, (40, 129, 7), params_of(), count=1)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    maps = Path("/proc/self/maps").read_text().count("memfd:aimass-ranks")
    assert maps <= 3, maps
    engine.shutdown()


def test_nothing_is_left_of_what_was_shared() -> None:
    codes, said = run_gang(count_descriptors, "torchrun", 2)
    assert codes == [0, 0], said


def test_only_what_is_known_to_be_harmless_shares_weights() -> None:
    """A hyperparameter that somebody adds is not shared with until somebody has looked at it."""
    from aimass_jupyter.training import exchange

    assert set(Hyperparameters.model_fields) | {
        "label_smoothing", "class_weights",
    } >= exchange._HARMLESS  # fmt: skip
    for name in ("clip_norm", "clip_value", "l1", "l2", "ema", "patience", "precision"):
        assert name not in exchange._HARMLESS
