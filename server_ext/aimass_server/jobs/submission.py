"""From a request to a job that can run, or to one line that says why it cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from aimass_jupyter.contract.algorithms import ALGORITHMS, AlgorithmDeclaration
from aimass_jupyter.contract.clusters import LOCAL
from aimass_jupyter.contract.datasets import Column, Dataset
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.job_options import Engine, JobOptions
from aimass_jupyter.contract.jobs import Job, JobCreate
from aimass_jupyter.contract.wanted import wanted
from aimass_server.access import Call
from aimass_server.jobs.code import Code, check_code
from aimass_server.jobs.technique import check_technique

CODE = "code"


@dataclass(frozen=True)
class Submission:
    """A job that was found fit to run."""

    job: Job
    dataset_digest: str
    label: str


def prepare(
    call: Call,
    request: JobCreate,
    dataset: Dataset | None,
    slots: int,
    engines: dict[str, str],
    code: Code | None = None,
) -> Submission:
    """Check everything that can be known before the job runs.

    Parameters
    ----------
    slots
        Ranks that fit on this machine.
    engines
        Engine → why it cannot be used, or an empty text.

    Raises
    ------
    InvalidRequest
        Naming the field, the value and the cure.
    """
    if request.min_np is None:
        _check_slots(request, slots)
    engine = _engine(request, engines)
    _check_elastic(request, engine, slots)
    work = _algorithm_work(request, dataset) if code is None else _code_work(request, dataset, code)
    if code is None and dataset is not None:
        check_technique(work.params, dataset.latest.columns, work.label, engine, request.np)
    job = Job(
        id=new_id("job"),
        name=work.name,
        owner=call.user,
        tenant=call.tenant,
        state="queued",
        engine=engine,
        np=request.np,
        dataset=f"{dataset.name}@{dataset.latest.version}" if dataset else "",
        algorithm=work.algorithm,
        params=work.params,
        seed=request.seed,
        options=JobOptions.model_validate(request.model_dump(include=set(JobOptions.model_fields))),
        source=code.source if code else None,
        created_at=utc_now(),
    )
    return Submission(job, dataset.latest.digest if dataset else "", work.label)


@dataclass(frozen=True)
class _Work:
    """What is to be done, checked."""

    name: str
    algorithm: str
    params: dict[str, object]
    label: str


def _nothing_named(request: JobCreate) -> InvalidRequest:
    """Without an algorithm, a misspelt option is taken for a hyperparameter of one."""
    cure = f"say --algorithm {' or '.join(ALGORITHMS)}, or name a script"
    for name in request.params:
        known = any(name in each.hyperparameters.model_fields for each in ALGORITHMS.values())
        near = cure if known else did_you_mean(name, JobCreate.model_fields, cure)
        if near != cure:
            return InvalidRequest(f"'train' has no option '--{name.replace('_', '-')}'", near)
    return InvalidRequest("nothing to train was named", cure)


def _algorithm_work(request: JobCreate, dataset: Dataset | None) -> _Work:
    if request.algorithm is None:
        raise _nothing_named(request)
    if dataset is None:
        raise InvalidRequest("no dataset was named", "say --dataset NAME (see: datasets list)")
    if request.arguments:
        raise InvalidRequest(
            f"'{request.arguments[0][:80]}' after -- is for a script, and none was named",
            "say: train SCRIPT.py -- …",
        )
    algorithm = _algorithm(request.algorithm)
    label = _label(request.label, dataset)
    _check_task(algorithm, dataset, label, request.label)
    _check_rows(dataset)
    params = _hyperparameters(algorithm, request)
    return _Work(request.name or dataset.name, algorithm.name, params, label)


def _check_rows(dataset: Dataset) -> None:
    """One row cannot be both learnt from and held out."""
    if (rows := dataset.latest.rows) < 2:
        raise InvalidRequest(
            f"dataset '{dataset.name}' has {rows} row{'s' * (rows != 1)}, and training needs 2: "
            "one to learn from, one to hold out",
            "import more rows",
        )


def _code_work(request: JobCreate, dataset: Dataset | None, code: Code) -> _Work:
    if request.algorithm is not None:
        raise InvalidRequest(
            f"own code and algorithm '{request.algorithm}' were both named", "leave one of them out"
        )
    check_code(code.manifest, request, dataset)
    label = _label(request.label, dataset) if dataset and request.label else ""
    known = (dataset.latest.label or "") if dataset else ""
    name = request.name or (dataset.name if dataset else _name_of(code))
    return _Work(name, CODE, dict(request.params), label or known)


def _name_of(code: Code) -> str:
    """A name from the function's or the script's own."""
    manifest = code.manifest
    own = manifest.function if manifest.kind == "function" else Path(manifest.entry).stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", own).strip("-._")[:64]
    return name or CODE


def _algorithm(name: str) -> AlgorithmDeclaration:
    if name not in ALGORITHMS:
        raise InvalidRequest(f"there is no algorithm '{name}'", did_you_mean(name, ALGORITHMS))
    return ALGORITHMS[name]


def _label(given: str | None, dataset: Dataset) -> str:
    label = given or dataset.latest.label
    columns = [column.name for column in dataset.latest.columns]
    if label is None:
        raise InvalidRequest(
            f"dataset '{dataset.name}' has no label",
            f"say which to learn: --label {columns[-1]} (columns: {', '.join(columns[:20])})",
        )
    if label not in columns:
        raise InvalidRequest(
            f"dataset '{dataset.name}' has no column '{label}'", did_you_mean(label, columns)
        )
    return label


def _check_task(
    algorithm: AlgorithmDeclaration, dataset: Dataset, label: str, given: str | None
) -> None:
    column = next(c for c in dataset.latest.columns if c.name == label)
    if algorithm.task == "regression" and column.kind not in ("number", "boolean"):
        raise InvalidRequest(
            f"algorithm 'regression' needs a number to learn, column '{label}' is {column.kind}",
            "take --algorithm classification, or another --label",
        )
    fractional = column.kind == "number" and column.type.startswith(("float", "double", "half"))
    if algorithm.task == "classification" and fractional and not _may_be_classes(column):
        raise InvalidRequest(
            f"algorithm 'classification' needs classes, column '{label}' is a continuous number",
            "take --algorithm regression, or another --label",
        )


def _may_be_classes(column: Column) -> bool:
    """Whether floating-point numbers can be classes: few of them, and whole as far as is known."""
    ends = (column.minimum, column.maximum)
    return column.distinct is not None and all(end is None or end.is_integer() for end in ends)


def _check_slots(request: JobCreate, slots: int) -> None:
    here = request.cluster == LOCAL
    where = "this machine" if here else f"cluster '{request.cluster}'"
    more = "raise AimassApp.slots" if here else "add a node"
    if request.np * request.slots > slots:
        each = f" with --slots {request.slots:g} each" if request.slots != 1 else ""
        most = int(slots // request.slots)
        raise InvalidRequest(
            f"--np {request.np}{each} is more than the {slots} slots of {where}",
            f"take --np {most} or less, or {more}" if most else f"take fewer --slots, or {more}",
        )


def _check_elastic(request: JobCreate, engine: Engine, slots: int) -> None:
    """An elastic job has at least --min-np ranks, begins with up to --max-np, and has an engine
    that can lose one.
    """
    if request.min_np is None and request.max_np is None:
        return
    least, most = request.min_np or request.np, request.max_np or request.np
    if not least <= request.np <= most:
        raise InvalidRequest(
            f"--np {request.np} is not between --min-np {least} and --max-np {most}",
            "give --min-np ≤ --np ≤ --max-np",
        )
    if engine == "single" and most > 1:
        raise InvalidRequest(
            f"engine 'single' runs one rank, --max-np is {most}",
            "take --engine horovod or --engine torchrun",
        )
    if least == most:
        raise InvalidRequest(
            f"--min-np and --max-np are both {most}: nothing about the job is elastic",
            "give a smaller --min-np, or --max-restarts to have dead ranks started again",
        )
    if least * request.slots > slots:
        raise InvalidRequest(
            f"--min-np {least} is more than the {slots} slots of this machine",
            f"take --min-np {slots} or less",
        )


def _engine(request: JobCreate, engines: dict[str, str]) -> Engine:
    if request.engine == "auto":
        if max(request.np, request.max_np or 1) == 1:
            return "single"
        return "horovod" if not engines.get("horovod", "not there") else "torchrun"
    if request.engine == "single" and request.np > 1:
        raise InvalidRequest(
            f"engine 'single' runs one rank, --np is {request.np}",
            "take --engine horovod or --engine torchrun",
        )
    if reason := engines.get(request.engine, "it is not known here"):
        usable = [name for name, why_not in engines.items() if not why_not]
        raise InvalidRequest(
            f"engine '{request.engine}' cannot be used: {reason}", f"usable: {', '.join(usable)}"
        )
    return request.engine


def _hyperparameters(algorithm: AlgorithmDeclaration, request: JobCreate) -> dict[str, object]:
    """The hyperparameters with defaults filled in, or what is wrong with them."""
    schema = algorithm.hyperparameters
    for name in request.params:
        if name not in schema.model_fields:
            if name in JobCreate.model_fields:
                raise InvalidRequest(
                    f"'{name}' in params is no option of algorithm '{algorithm.name}'",
                    f"it is one of every job: give {name}= beside params",
                )
            known = [f.replace("_", "-") for f in [*schema.model_fields, *JobCreate.model_fields]]
            option = name.replace("_", "-")
            raise InvalidRequest(
                f"algorithm '{algorithm.name}' has no option '--{option}'",
                did_you_mean(option, known),
            )
    try:
        return schema.model_validate(request.params).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        raise InvalidRequest(
            f"--{field.replace('_', '-')} {request.params[field]!r}: {wanted(first)}",
            schema.model_fields[field].description or "",
        ) from None
