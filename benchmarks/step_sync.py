"""A synchronous data-parallel step on two ranks: the product, DDP, plain Horovod, and the floor.

::

    python benchmarks/step_sync.py [--pairs 7] [--steps 20] [--batch 128]

Each takes the same steps from the same weights on the same rows, 4.5 million parameters, AdamW
(torch's fused one for the peers), and must end with the same weights. The floor is the same step by
processes that exchange nothing. Segments of so many steps are taken in turn, in one gang an engine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch
from figures import Comparison, publish, version_of
from ranks import on_ranks
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from aimass_jupyter.algorithms import find_task, hyperparameters_of
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.rows import Part
from aimass_jupyter.training.schedule import Pace

RANKS = 2
WIDTHS = (784, 1536, 1024, 1024, 640, 10)
RATE = 1e-3
Step = Callable[[Tensor, Tensor], None]


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128, help="rows a rank")
    options = parser.parse_args()
    import_peers()
    work = partial(take_turns, options.pairs, options.steps, options.batch)
    comparisons = compared("torchrun", "DDP", version_of("torch"), work)
    if find_spec("horovod"):
        comparisons += compared("horovod", "plain Horovod", version_of("horovod"), work)
    publish("step-sync", comparisons)


def import_peers() -> None:
    """Import what ranks need before they are forked."""
    import torch.nn.parallel.distributed  # noqa: F401

    if find_spec("horovod"):
        import horovod.torch  # noqa: F401


def compared(engine: str, peer: str, version: str, work: Callable[..., Any]) -> list[Comparison]:
    """Run the gang of an engine; what came out, wall time first."""
    ranks = on_ranks(engine, RANKS, work)
    wall = {name: ranks[0][name]["wall"] for name in ranks[0]}
    cpu = {
        name: [sum(pair) for pair in zip(*(rank[name]["cpu"] for rank in ranks), strict=True)]
        for name in ranks[0]
    }
    floor = statistics.median(wall["floor"])
    for name, times in wall.items():
        median = statistics.median(times)
        print(
            f"{engine:9} {name:14} {median:7.2f} ms a step, {floor / median:6.1%} of the floor, "
            f"{statistics.median(cpu[name]):7.2f} CPU-ms over both ranks"
        )
    return [
        Comparison(f"{peer}, {what}", version, ours[own], ours["peer"], unit, goal)
        for what, own, ours, unit, goal in (
            ("shared memory", "shared", wall, "ms", 1.1),
            ("engine alone", "engine", wall, "ms", 1.0),
            ("shared memory, CPU time", "shared", cpu, "CPU-ms", 1.1),
            ("engine alone, CPU time", "engine", cpu, "CPU-ms", 1.0),
        )
    ]


def take_turns(pairs: int, steps: int, batch: int, engine: Engine) -> dict[str, Any]:
    """On each rank: every way in turn; milliseconds a step."""
    peer = ddp if type(engine).__name__ == "TorchrunEngine" else plain_horovod
    ways = {
        "floor": eager(network()),
        "peer": peer(network()),
        "shared": ours(network(), engine, "auto"),
        "engine": ours(network(), engine, "engine"),
    }
    torch.manual_seed(engine.place.rank)
    inputs, targets = torch.randn(batch, WIDTHS[0]), torch.randint(0, WIDTHS[-1], (batch,))
    found: dict[str, Any] = {name: {"wall": [], "cpu": []} for name in ways}
    for step in ways.values():
        for _ in range(3):
            step(inputs, targets)
    for _ in range(pairs):
        for name, step in ways.items():
            engine.add(torch.ones(1))  # all ranks begin together
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                step(inputs, targets)
            found[name]["cpu"].append((time.process_time() - cpu) / steps * 1e3)
            engine.add(torch.ones(1))  # and it is done when the last one is
            found[name]["wall"].append((time.perf_counter() - wall) / steps * 1e3)
    check_agreement(found, ways)
    return found


def check_agreement(found: dict[str, Any], ways: dict[str, Step]) -> None:
    """All that exchange gradients have gone the same way: their weights agree."""
    vectors = {
        name: torch.cat([p.detach().reshape(-1) for p in step.network.parameters()])  # type: ignore[attr-defined]
        for name, step in ways.items()
    }
    for name in ("shared", "engine"):
        apart = (vectors[name] - vectors["peer"]).abs().max() / vectors["peer"].abs().max()
        if apart > 0.02:
            raise SystemExit(f"the weights of {name} and of the peer differ by {apart:.1%}")


def network() -> nn.Sequential:
    """The same network each time."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in pairwise(WIDTHS):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Eager:
    """A step as it is written by hand, by whatever optimizer and wrapping of the network."""

    def __init__(self, network: nn.Module, called: nn.Module, optimizer: Any) -> None:
        self.network = network
        self._called = called
        self._optimizer = optimizer

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        self._optimizer.zero_grad()
        cross_entropy(self._called(inputs), targets).backward()
        self._optimizer.step()


def adamw(network: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of all of them."""
    return torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01, fused=True)


def eager(network: nn.Module) -> Step:
    """Exchange nothing."""
    return Eager(network, network, adamw(network))


def ddp(network: nn.Module) -> Step:
    """DistributedDataParallel as it comes."""
    wrapped = nn.parallel.DistributedDataParallel(network)
    return Eager(network, wrapped, adamw(network))


def plain_horovod(network: nn.Module) -> Step:
    """Horovod's DistributedOptimizer as it comes."""
    import horovod.torch as hvd

    optimizer = hvd.DistributedOptimizer(
        adamw(network), named_parameters=network.named_parameters()
    )
    hvd.broadcast_parameters(network.state_dict(), root_rank=0)
    return Eager(network, network, optimizer)


class Ours:
    """A step as the training loop takes it."""

    def __init__(
        self, network: nn.Sequential, engine: Engine, collectives: str, local_steps: int = 1
    ) -> None:
        changes = {"collectives": collectives, "local_steps": local_steps}
        params = hyperparameters_of("classification", changes)
        self._done = 0
        self.network = network
        self._task = find_task("classification", params)
        self._learner = Learner(params, network, engine)

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        self._learner.learn(self._task, Part(inputs, targets), Pace(RATE, 0.9), finite)
        self._done += 1
        self._learner.exchange.settle(self._done, last=False)


def finite(own: Tensor, mean: Tensor, gradients: Tensor) -> bool:
    """Whether a step may be taken, as the loop sees it."""
    return bool(mean.isfinite())


def ours(network: nn.Sequential, engine: Engine, collectives: str) -> Step:
    """The product's step."""
    return Ours(network, engine, collectives)


if __name__ == "__main__":
    main()
