"""From a request to a job that can run, or to one line that says why it cannot."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from aimass_jupyter.contract.algorithms import ALGORITHMS, AlgorithmDeclaration
from aimass_jupyter.contract.datasets import Dataset
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import Engine, Job, JobCreate, JobOptions
from aimass_server.access import Call


@dataclass(frozen=True)
class Submission:
    """A job that was found fit to run."""

    job: Job
    dataset_digest: str
    label: str


def prepare(
    call: Call, request: JobCreate, dataset: Dataset, slots: int, engines: dict[str, str]
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
    if request.algorithm is None:
        raise InvalidRequest("nothing to train was named", "say --algorithm NAME, or a script")
    algorithm = _algorithm(request.algorithm)
    label = _label(request.label, dataset)
    _check_task(algorithm, dataset, label, request.label)
    _check_slots(request.np, slots)
    job = Job(
        id=new_id("job"),
        name=request.name or dataset.name,
        owner=call.user,
        tenant=call.tenant,
        state="queued",
        engine=_engine(request, engines),
        np=request.np,
        dataset=f"{dataset.name}@{dataset.latest.version}",
        algorithm=algorithm.name,
        params=_hyperparameters(algorithm, request),
        seed=request.seed,
        options=JobOptions.model_validate(request.model_dump(include=set(JobOptions.model_fields))),
        created_at=utc_now(),
    )
    return Submission(job, dataset.latest.digest, label)


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
    if algorithm.task == "classification" and fractional and column.distinct is None:
        raise InvalidRequest(
            f"algorithm 'classification' needs classes, column '{label}' is a continuous number",
            "take --algorithm regression, or another --label",
        )


def _check_slots(np: int, slots: int) -> None:
    if np > slots:
        raise InvalidRequest(
            f"--np {np} is more than the {slots} slots of this machine",
            f"take --np {slots} or less, or raise AimassApp.slots",
        )


def _engine(request: JobCreate, engines: dict[str, str]) -> Engine:
    if request.engine == "auto":
        if request.np == 1:
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
            f"--{field.replace('_', '-')} {request.params[field]!r}: {first['msg']}",
            schema.model_fields[field].description or "",
        ) from None
