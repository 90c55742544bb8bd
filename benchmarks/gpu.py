"""One GPU: a transformer and a CNN in bf16 beside a loop by hand, and the way between GPUs.

::

    python benchmarks/gpu.py [--pairs 5]
    python benchmarks/gpu.py --device cpu --tiny       # only to see that it runs

Samples a second of the product's step and of a step by hand (autocast, torch's fused AdamW); the
share of the rate at which this device multiplies matrices, measured in the same run; and gradients
through the engine's collectives (NCCL) on as many ranks as there are GPUs, one or more. Every part
runs in processes of its own. On a machine without CUDA it says so, and ends with 3.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from figures import Comparison, publish
from ranks import on_ranks
from step_sync import finite
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from aimass_jupyter.algorithms import find_task, hyperparameters_of
from aimass_jupyter.launch.hardware import find_hardware
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.learner import Learner
from aimass_jupyter.training.rows import Part
from aimass_jupyter.training.schedule import Pace

WITHOUT_CUDA = 3
CLASSES = 10
RATE = 1e-4


@dataclass(frozen=True)
class Size:
    """How large everything is."""

    side: int  # of the matrices that are multiplied
    width: int
    layers: int
    heads: int
    tokens: int
    channels: int
    image: int
    batch: int
    steps: int
    floats: int  # of the gradients that travel


LARGE = Size(8192, 1024, 12, 16, 512, 64, 128, 64, 10, 1 << 27)
TINY = Size(128, 32, 2, 2, 8, 8, 16, 4, 2, 1 << 12)


def main() -> int:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="see that it runs; measures nothing")
    options = parser.parse_args()
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # counting GPUs must not start CUDA here
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif not torch.cuda.is_available():
        print(
            "no CUDA device here: nothing was measured (to see that it runs: --device cpu --tiny)"
        )
        return WITHOUT_CUDA
    size = TINY if options.tiny else LARGE
    ranks = torch.cuda.device_count() or 1
    found = on_ranks("single", 1, partial(measure_one, size, options.pairs))[0]
    print(f"{found['device']}: {found['matrix_rate'] / 1e12:.3g} TFLOP/s in bf16 matrices")
    comparisons = [compared(name, found) for name in ("transformer", "cnn")]
    for engine in ("torchrun", *(["horovod"] if find_hardware().horovod == "nccl" else [])):
        answers = on_ranks(engine, ranks, partial(measure_collective, size, options.pairs))
        comparisons.append(carried(engine, ranks, answers[0]))
    publish("gpu-tiny" if options.tiny else "gpu", comparisons)
    return 0


def compared(name: str, found: dict[str, Any]) -> Comparison:
    """Samples a second, and the share of the matrix rate."""
    part = found[name]
    used = statistics.median(part["ours"]) * part["flops"] / found["matrix_rate"]
    return Comparison(
        f"{name} by hand", torch.__version__, part["ours"], part["theirs"], "samples/s", 0.97,
        more_is_better=True, note=f"{used:.1%} of the matrix rate, {found['device']}",
    )  # fmt: skip


def carried(engine: str, ranks: int, answer: dict[str, Any]) -> Comparison:
    """Bytes of gradients a second."""
    return Comparison(
        f"{answer['backend']}, {engine}, {ranks} rank{'s' * (ranks > 1)}", torch.__version__,
        answer["ours"], answer["theirs"], "GB/s", 0.97, more_is_better=True,
    )  # fmt: skip


def measure_one(size: Size, pairs: int, engine: Engine) -> dict[str, Any]:
    """On one device: the matrix rate, and both networks by the product and by hand, in turn."""
    device = engine.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    found: dict[str, Any] = {"device": name, "matrix_rate": matrix_rate(size.side, device)}
    for kind, make, shape in (
        ("transformer", transformer, (size.tokens, size.width)),
        ("cnn", cnn, (3, size.image, size.image)),
    ):
        inputs = torch.randn(size.batch, *shape, device=device)
        targets = torch.randint(0, CLASSES, (size.batch,), device=device)
        ours = Ours(make(size).to(device), engine)
        theirs = ByHand(make(size).to(device))
        part: dict[str, Any] = {"flops": flops(theirs, inputs, targets) / size.batch}
        part["ours"], part["theirs"] = [], []
        for pair in range(pairs + 1):
            for who, step in (("ours", ours), ("theirs", theirs)):
                seconds = timed(partial(repeat, step, size.steps, inputs, targets), device)
                if pair:  # the first of each warms up
                    part[who].append(size.steps * size.batch / seconds)
        found[kind] = part
    return found


def timed(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds until the device has done it."""
    wait(device)
    started = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    """Return when the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def repeat(step: Callable[[Tensor, Tensor], None], times: int, *batch: Tensor) -> None:
    """Take some steps."""
    for _ in range(times):
        step(*batch)


def matrix_rate(side: int, device: torch.device) -> float:
    """Floating-point operations a second in a product of bf16 matrices; the best of some."""
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = [timed(lambda: left @ right, device) for _ in range(10)]
    return 2 * side**3 / min(seconds)


def flops(step: Callable[[Tensor, Tensor], None], inputs: Tensor, targets: Tensor) -> int:
    """Operations of a step, as torch counts those of matrices, convolutions and attention."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step(inputs, targets)
    return int(counter.get_total_flops())


class Mean(nn.Module):
    """The mean over the tokens."""

    def forward(self, inputs: Tensor) -> Tensor:
        """From (rows, tokens, width) to (rows, width)."""
        return inputs.mean(dim=1)


def transformer(size: Size) -> nn.Sequential:
    """An encoder over vectors of tokens."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        size.width, size.heads, 4 * size.width, dropout=0.0, batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)
    return nn.Sequential(encoder, Mean(), nn.Linear(size.width, CLASSES))


def cnn(size: Size) -> nn.Sequential:
    """Pairs of convolutions, each half the image and twice the channels."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    before, after = 3, size.channels
    for _ in range(3):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        before, after = after, 2 * after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, CLASSES))


class Ours:
    """A step as the training loop takes it."""

    def __init__(self, network: nn.Sequential, engine: Engine) -> None:
        params = hyperparameters_of("classification", {"precision": "bf16"})
        self._task = find_task("classification", params)
        self._learner = Learner(params, network, engine)

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        self._learner.learn(self._task, Part(inputs, targets), Pace(RATE, 0.9), finite)


class ByHand:
    """A step as people write it."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, fused=True)

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        self._optimizer.zero_grad()
        with torch.autocast(inputs.device.type, torch.bfloat16):
            outputs = self._network(inputs)
        loss = cross_entropy(outputs.float(), targets)
        loss.backward()
        if loss.isfinite():
            self._optimizer.step()


def measure_collective(size: Size, pairs: int, engine: Engine) -> dict[str, Any]:
    """On each rank: a vector of gradients through the engine, and through its library bare."""
    backend, bare = bare_sum(engine)
    vector = torch.ones(size.floats, device=engine.device)
    engine.add(vector)
    if not bool((vector == engine.place.size).all()):
        raise SystemExit(f"the sum over {engine.place.size} ranks is {vector[0].item()}")
    found: dict[str, Any] = {"backend": backend, "ours": [], "theirs": []}
    for pair in range(pairs + 1):
        for who, add in (("ours", engine.add), ("theirs", bare)):
            vector.fill_(1)
            seconds = timed(partial(add, vector), engine.device)
            if pair:
                found[who].append(vector.nbytes / seconds / 1e9)
    return found


def bare_sum(engine: Engine) -> tuple[str, Callable[[Tensor], Any]]:
    """The library's own call, and what it goes by."""
    if type(engine).__name__ == "HorovodEngine":
        import horovod.torch as hvd

        return "nccl", partial(hvd.allreduce_, name="bare", op=hvd.Sum)
    import torch.distributed as distributed

    return distributed.get_backend(), distributed.all_reduce


if __name__ == "__main__":
    sys.exit(main())
