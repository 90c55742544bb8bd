"""The probe: what is quickest here is measured, on the job's own network and rows.

It chooses what layers compute in and how images lie in memory, where the job leaves that open. What
was measured is recorded with the job: when it goes on, or is run again, it computes the same way.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import cycle, islice, product
from pathlib import Path

import torch

from aimass_jupyter.algorithms import Task, architecture_of, build_network
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.host import read_record, write_record
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.layout import CHANNELS_LAST, CONTIGUOUS, lay_out, usual_layout
from aimass_jupyter.training.precision import Precision
from aimass_jupyter.training.rows import Part, Rows

CHOSEN = "chosen.json"
WORTH_SECONDS = 30.0  # of training; less is over before a probe has paid
WORTH_STEPS = 300  # a job of fewer is not even asked how long it takes, for layout's sake alone
_PROBE_SECONDS = 2.0
_ROUNDS, _MOST_ROUNDS = 3, 50  # the first ones only warm up
_CLEARLY = 0.95  # of the time that float32 takes: noise is no reason to change what is learnt
_clock = time.perf_counter


@dataclass(frozen=True)
class Way:
    """A way to compute a step."""

    precision: str
    layout: str


def choose_way(
    params: Hyperparameters,
    task: Task,
    rows: Rows,
    engine: Engine,
    folder: Path,
    worth_seconds: float = WORTH_SECONDS,
) -> Hyperparameters:
    """Replace each ``auto`` by what rank 0 finds quickest; a collective call."""
    ways = ways_of(params, rows, engine)
    chosen = ways[0]
    if params.precision == "auto" or (len(ways) > 1 and not _is_short(params, rows)):
        number = b""
        if engine.place.rank == 0:
            recorded = _recorded(folder, ways)
            chosen = recorded or _measured(ways, params, task, rows, engine, worth_seconds)
            write_record(folder / CHOSEN, asdict(chosen))
            print(f"chosen: precision {chosen.precision}, layout {chosen.layout}")
            number = bytes([ways.index(chosen)])
        chosen = ways[engine.broadcast(number)[0]]
    return params.model_copy(update=asdict(chosen))


def ways_of(params: Hyperparameters, rows: Rows, engine: Engine) -> list[Way]:
    """What may be chosen from; the first is taken where nothing is measured."""
    layouts: list[str] = [params.layout]
    if params.layout == "auto" and _is_cnn(params, rows):
        usual = usual_layout(engine.device)
        layouts = [usual, CONTIGUOUS if usual == CHANNELS_LAST else CHANNELS_LAST]
    precisions = ["float32", "bf16"] if params.precision == "auto" else [params.precision]
    return [Way(precision, layout) for precision, layout in product(precisions, layouts)]


def quickest_of(times: Mapping[Way, float]) -> Way:
    """The quickest way by its seconds; bf16 only where it is clearly so."""
    best = min(times, key=times.__getitem__)
    exact = [way for way in times if way.precision == "float32"]
    if best.precision == "float32" or not exact:
        return best
    safe = min(exact, key=times.__getitem__)
    return best if times[best] < _CLEARLY * times[safe] else safe


def _is_cnn(params: Hyperparameters, rows: Rows) -> bool:
    return architecture_of(params, rows.preprocessing.input_shape) == "cnn"


def _is_short(params: Hyperparameters, rows: Rows) -> bool:
    return params.epochs * rows.steps(params.batch_size) < WORTH_STEPS


def _recorded(folder: Path, ways: list[Way]) -> Way | None:
    """What this job chose before it was interrupted."""
    record = read_record(folder / CHOSEN)
    return next((way for way in ways if asdict(way) == record), None)


def _measured(
    ways: list[Way],
    params: Hyperparameters,
    task: Task,
    rows: Rows,
    engine: Engine,
    worth_seconds: float,
) -> Way:
    """The quickest way, where the job is long enough to look for it."""
    steps = rows.steps(params.batch_size)
    batch = next(rows.batches(0, steps)).to(engine.device)
    with torch.random.fork_rng([engine.device] if engine.device.type == "cuda" else []):
        usual = _Trial(ways[0], params, task, rows, engine)
        usual.seconds(batch)  # the first step of a process is no measure
        single = usual.seconds(batch)
        if single * steps * params.epochs < worth_seconds:
            return ways[0]
        trials = [usual, *(_Trial(way, params, task, rows, engine) for way in ways[1:])]
        times = _times(trials, _cut(batch, single, len(trials)))
    if min(map(len, times)) <= _ROUNDS:
        return ways[0]
    return quickest_of(
        {way: statistics.median(found[1:]) for way, found in zip(ways, times, strict=True)}
    )


def _cut(batch: Part, single: float, trials: int) -> Part:
    """So much of a batch that all have their rounds in half of the time."""
    share = _PROBE_SECONDS / (2 * single * trials * (_ROUNDS + 1))
    if share >= 1:
        return batch
    count = max(1, int(share * len(batch)))
    return batch.taking(torch.arange(count, device=batch.targets.device))


def _times(trials: list[_Trial], batch: Part) -> list[list[float]]:
    """Seconds of steps, all ways in turn, until the time is over."""
    until = _clock() + _PROBE_SECONDS
    times: list[list[float]] = [[] for _ in trials]
    for turn in islice(cycle(range(len(trials))), _MOST_ROUNDS * len(trials)):
        if _clock() >= until:
            break
        times[turn].append(trials[turn].seconds(batch))
    return times


class _Trial:
    """A network of its own that steps one way, and learns nothing."""

    def __init__(
        self, way: Way, params: Hyperparameters, task: Task, rows: Rows, engine: Engine
    ) -> None:
        params = params.model_copy(update=asdict(way))
        preprocessing = rows.preprocessing
        network = build_network(params, preprocessing.input_shape, preprocessing.output_size)
        lay_out(network, way.layout, engine.device)
        self.way = way
        self._network = network.to(engine.device)
        self._computing = Precision(params, engine.device).computing
        self._task = task
        self._device = engine.device

    def seconds(self, batch: Part) -> float:
        """The time of forward and backward."""
        started = _clock()
        self._step(batch)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return _clock() - started

    def _step(self, batch: Part) -> None:
        with self._computing():
            outputs = self._network(batch.unpacked())
        self._task.loss(outputs.float(), batch.targets, batch.weights).backward()
