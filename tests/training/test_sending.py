"""How gradients travel: what is on the wire is what was asked for, and steps are as good."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from aimass_jupyter.algorithms import hyperparameters_of
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.schedule import Pace
from aimass_jupyter.training.sending import horovod_settings
from tests.training.gang import run_gang

LAYERS, STEPS = 6, 6


def step_together(engine: Engine, asked: str) -> None:
    """What each rank does: some steps, held against those of one rank with all rows."""
    torch.manual_seed(0)
    params = hyperparameters_of(
        "regression", json.loads(asked) | {"optimizer": "sgd", "weight_decay": 0}
    )
    network = nn.Sequential(*[nn.Linear(16, 16) for _ in range(LAYERS)])
    alone = nn.Sequential(*[nn.Linear(16, 16) for _ in range(LAYERS)])
    alone.load_state_dict(network.state_dict())
    learner = Learner(params, network, engine)
    rule = torch.optim.SGD(alone.parameters(), lr=0.01, momentum=0.9)
    rows = torch.randn(5, 16)
    mine = rows[:2] if engine.place.rank == 0 else rows[2:]
    for _ in range(STEPS):
        learner.weights.clear_gradients()
        loss = network(mine).square().sum()
        loss.backward()
        mean = learner.exchange.average(loss.detach(), len(mine))
        learner.update(Pace(0.01, 0.9))
        rule.zero_grad()
        wanted = alone(rows).square().sum() / 5
        wanted.backward()
        rule.step()
        assert float(mean) == pytest.approx(wanted.item(), rel=1e-2)
    exact = torch.cat([parameter.detach().reshape(-1) for parameter in alone.parameters()])
    assert torch.allclose(learner.weights.values, exact, atol=2e-3)
    engine.shutdown()


@pytest.mark.parametrize(
    ("engine", "compression"), [("torchrun", "fp16"), ("torchrun", "bf16"), ("horovod", "fp16")]
)
def test_compressed_gradients_step_as_well(engine: str, compression: str) -> None:
    codes, said = run_gang(step_together, engine, 2, json.dumps({"compression": compression}))
    assert codes == [0, 0], said


def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **params: object) -> Counter[str]:
    """Types and activities in Horovod's timeline of such steps."""
    settings = horovod_settings(hyperparameters_of("regression", dict(params)))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    timeline = tmp_path / "timeline.json"
    monkeypatch.setenv("HOROVOD_TIMELINE", str(timeline))
    codes, said = run_gang(step_together, "horovod", 2, json.dumps(params))
    assert codes == [0, 0], said
    said = timeline.read_text()
    return Counter(re.findall(r'"(?:name|dtype)": "(\w+)"', said))


def test_a_step_is_one_message_unless_pieces_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = LAYERS * 2 + 1  # weights and biases, and what travels ahead
    plain = sent(tmp_path, monkeypatch, collectives="engine")
    apart = sent(tmp_path, monkeypatch, fusion_mb=0)
    halves = sent(tmp_path, monkeypatch, compression="fp16")
    fused = sent(tmp_path, monkeypatch, fusion_mb=64, cycle_ms=20)
    assert plain["float16"] == 0
    seen = STEPS // 2  # steps, at least: the timeline may begin late, and end early
    assert halves["float16"] >= seen
    assert apart["GLOO_ALLREDUCE"] >= plain["GLOO_ALLREDUCE"] + seen * (pieces - 2)
    assert apart["MEMCPY_IN_FUSION_BUFFER"] == 0
    assert fused["MEMCPY_IN_FUSION_BUFFER"] > 0


def test_settings_reach_horovod_by_their_names() -> None:
    given = horovod_settings(hyperparameters_of("regression", {"fusion_mb": 2, "cycle_ms": 3.5}))
    assert given == {"HOROVOD_FUSION_THRESHOLD": str(2 * 2**20), "HOROVOD_CYCLE_TIME": "3.5"}
    assert horovod_settings(hyperparameters_of("regression", {})) == {}
    assert not any(name in os.environ for name in given)
