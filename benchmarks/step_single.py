"""A step on one rank: the product's, and the ways that torch offers to make a step quicker.

::

    python benchmarks/step_single.py [--pairs 7] [--steps 20] [--compile]

The same network and the same rows for all, on one thread: 4.5 million parameters that see vectors,
and the product's own network of images. The peer is a step as it comes: AdamW with its defaults.
Beside it the ways that are sometimes quicker, for who wants to choose: torch's fused AdamW,
channels last, bf16 by autocast, and, when asked for, torch.compile.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from figures import Comparison, publish
from step_sync import RATE, WIDTHS, Eager, Ours, Step, eager, network
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from aimass_jupyter.algorithms import build_network, hyperparameters_of
from aimass_jupyter.training.engine import SingleEngine
from aimass_jupyter.training.place import Place

IMAGE = (3, 32, 32)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--compile", action="store_true", help="also torch.compile (a minute)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    comparisons = []
    for kind, (make, shape) in kinds().items():
        found = take_turns(ways(make, compiled=options.compile), options, shape)
        plain = statistics.median(found["eager"]["cpu"])
        for name, times in found.items():
            wall, cpu = (statistics.median(times[what]) for what in ("wall", "cpu"))
            print(
                f"{kind:8} {name:9} {wall:7.2f} ms, {cpu:7.2f} CPU-ms a step, "
                f"{plain / cpu:5.2f}× eager"
            )
        comparisons += [
            Comparison(f"eager, {kind}{word}", torch.__version__, found["ours"][key],
                       found["eager"][key], unit, 1.0)
            for word, key, unit in (("", "wall", "ms"), (", CPU time", "cpu", "CPU-ms"))
        ]  # fmt: skip
    publish("step-single", comparisons)


def images() -> nn.Sequential:
    """The network that the product makes for images, the same each time."""
    torch.manual_seed(0)
    return build_network(hyperparameters_of("classification", {}), IMAGE, WIDTHS[-1])


def kinds() -> dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]]:
    """What makes each network, and the shape of a row."""
    return {"vectors": (network, WIDTHS[:1]), "images": (images, IMAGE)}


def ways(make: Callable[[], nn.Sequential], *, compiled: bool) -> dict[str, Step]:
    """Every way to take the step."""
    found: dict[str, Step] = {
        "ours": Ours(make(), SingleEngine(Place()), "auto"),
        "eager": as_it_comes(make()),
        "fused": eager(make()),
        "last": eager(make().to(memory_format=torch.channels_last)),
        "bf16": HalfPrecision(make()),
    }
    if compiled:
        net = make()
        found["compile"] = Eager(net, torch.compile(net), torch.optim.AdamW(net.parameters(), RATE))
    return found


def as_it_comes(network: nn.Module) -> Step:
    """AdamW with its defaults."""
    return Eager(network, network, torch.optim.AdamW(network.parameters(), RATE))


class HalfPrecision:
    """Autocast to bf16, with the fused optimizer."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._optimizer = torch.optim.AdamW(network.parameters(), RATE, fused=True)

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        self._optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self._network(inputs)
        cross_entropy(outputs.float(), targets).backward()
        self._optimizer.step()


def take_turns(
    ways: dict[str, Step], options: argparse.Namespace, shape: tuple[int, ...]
) -> dict[str, Any]:
    """Segments of each in turn; milliseconds a step."""
    torch.manual_seed(0)
    pairs, steps = options.pairs, options.steps if len(shape) == 1 else -(-options.steps // 4)
    inputs = torch.randn(options.batch, *shape)
    targets = torch.randint(0, WIDTHS[-1], (options.batch,))
    found: dict[str, Any] = {name: {"wall": [], "cpu": []} for name in ways}
    for pair in range(pairs + 1):
        for name, step in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                step(inputs, targets)
            if pair:  # the first of each warms up
                found[name]["wall"].append((time.perf_counter() - wall) / steps * 1e3)
                found[name]["cpu"].append((time.process_time() - cpu) / steps * 1e3)
    return found


if __name__ == "__main__":
    main()
