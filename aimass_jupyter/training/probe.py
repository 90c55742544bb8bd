"""The probe: what is quickest here is measured, on the job's own network and rows."""

from __future__ import annotations

import statistics
import time

import torch

from aimass_jupyter.algorithms import Task, build_network
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.engine import Engine
from aimass_jupyter.training.precision import Precision
from aimass_jupyter.training.rows import Part, Rows

WORTH_SECONDS = 30.0  # of training; less is over before a probe has paid
_PROBE_SECONDS = 0.8  # for each precision
_CLEARLY = 0.95  # of the time that float32 takes: noise is no reason to change


def choose_precision(
    params: Hyperparameters,
    task: Task,
    rows: Rows,
    engine: Engine,
    worth_seconds: float = WORTH_SECONDS,
) -> Hyperparameters:
    """Replace precision ``auto`` by what rank 0 finds quickest; a collective call."""
    if params.precision != "auto":
        return params
    found = b""
    if engine.place.rank == 0:
        found = _quickest(params, task, rows, engine, worth_seconds).encode()
    chosen = engine.broadcast(found).decode()
    if engine.place.rank == 0:
        print(f"precision auto: {chosen}")
    return params.model_copy(update={"precision": chosen})


def _quickest(
    params: Hyperparameters, task: Task, rows: Rows, engine: Engine, worth_seconds: float
) -> str:
    steps = rows.steps(params.batch_size)
    batch = next(rows.batches(0, steps)).to(engine.device)
    single = _seconds("float32", params, task, rows, engine, batch)
    if single * steps * params.epochs < worth_seconds:
        return "float32"
    half = _seconds("bf16", params, task, rows, engine, batch)
    return "bf16" if half < _CLEARLY * single else "float32"


def _seconds(
    precision: str, params: Hyperparameters, task: Task, rows: Rows, engine: Engine, batch: Part
) -> float:
    """The median time of forward and backward; what it draws does not change what is drawn next."""
    state, device = torch.get_rng_state(), engine.device
    preprocessing = rows.preprocessing
    network = build_network(params, preprocessing.input_shape, preprocessing.output_size)
    network.to(device)
    computing = Precision(params.model_copy(update={"precision": precision}), device).computing
    inputs = batch.unpacked()
    times: list[float] = []
    until = time.perf_counter() + _PROBE_SECONDS
    while len(times) < 3 or (time.perf_counter() < until and len(times) < 50):
        started = time.perf_counter()
        with computing():
            outputs = network(inputs)
        task.loss(outputs.float(), batch.targets, batch.weights).backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    torch.set_rng_state(state)
    return statistics.median(times[1:])
