"""The system itself: status, doctor, who asks, the operation table."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter import __version__
from aimass_jupyter.contract.base import Page
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.system import (
    JOBS_RUN_IN,
    Check,
    Diagnosis,
    Identity,
    Nothing,
    OperationCard,
    Status,
)
from aimass_jupyter.contract.table import OPERATIONS
from aimass_server.access import Call, rights_of
from aimass_server.store import Store, datasets, endpoints, jobs, models, services

LOW_DISK_BYTES = 1 << 30


@dataclass(frozen=True)
class Facts:
    """What the system room is told of the others."""

    folder: Path
    slots: int
    gpus: int
    url: Callable[[], str]
    engines: Callable[[], Awaitable[dict[str, str]]]
    hardware: Callable[[], Awaitable[dict[str, Any]]]
    gpu_percent: Callable[[], float | None]
    gateway_url: Callable[[], str | None]
    warm: Callable[[], Check]


class System:
    """Answers questions about the control plane."""

    def __init__(self, store: Store, facts: Facts) -> None:
        self._store = store
        self._facts = facts
        self._started_at = utc_now()

    async def status(self, call: Call, request: Nothing) -> Status:
        """What runs."""
        tenant, facts = call.tenant, self._facts
        return Status(
            version=__version__,
            url=facts.url(),
            data_folder=str(facts.folder),
            started_at=self._started_at,
            slots=facts.slots,
            slots_used=await self._store.read(jobs.slots_used),
            gpus=facts.gpus,
            gpu_percent=facts.gpu_percent(),
            engines=[name for name, why_not in (await facts.engines()).items() if not why_not],
            jobs=await self._store.read(lambda c: jobs.counts(c, tenant)),
            datasets=await self._store.read(lambda c: datasets.count(c, tenant)),
            models=await self._store.read(lambda c: models.count(c, tenant)),
            endpoints=await self._store.read(lambda c: endpoints.count(c, tenant)),
            services=await self._store.read(lambda c: services.count(c, tenant)),
            gateway_url=facts.gateway_url(),
            tensorboard_url=facts.url() + "/aimass/tensorboard/",
        )

    async def doctor(self, call: Call, request: Nothing) -> Diagnosis:
        """What is broken on the server's side."""
        engines = await self._facts.engines()
        ours = [self._disk(), self._gateway(), self._facts.warm()]
        hardware = _hardware_checks(await self._facts.hardware())
        checks = [_python(), _jobs_run_in(), *_engine_checks(engines), *hardware, *ours]
        return Diagnosis(ok=all(check.ok for check in checks), checks=checks)

    async def whoami(self, call: Call, request: Nothing) -> Identity:
        """Who asks."""
        who = call.principal
        return Identity(
            user=who.user,
            role=who.role,
            tenant=who.tenant,
            token=who.token,
            permissions=rights_of(who.role),
        )

    async def operations(self, call: Call, request: Nothing) -> Page[OperationCard]:
        """The operation table, for faces that build themselves from it."""
        return Page[OperationCard](items=[_card(operation) for operation in OPERATIONS])

    def _disk(self) -> Check:
        free = shutil.disk_usage(self._facts.folder).free
        ok = free > LOW_DISK_BYTES
        found = f"{free / 1e9:.1f} GB free in {self._facts.folder}"
        return Check(name="disk", ok=ok, found=found, cure="" if ok else "free some space")

    def _gateway(self) -> Check:
        url = self._facts.gateway_url()
        return Check(name="gateway", ok=True, found=url or "starts with the first endpoint")


def _engine_checks(engines: dict[str, str]) -> list[Check]:
    cure = "run `make setup` again, or see docs/operators/install.md"
    return [
        Check(
            name=f"engine {name}",
            ok=not why_not,
            found=why_not or "usable",
            cure=cure if why_not else "",
        )
        for name, why_not in engines.items()
    ]


def _hardware_checks(found: dict[str, Any]) -> list[Check]:
    """GPUs, and what moves gradients between them: never a fault, but good to know."""
    gpus, torch = found.get("gpus", []), found.get("torch", "")
    seen = f"{len(gpus)}: {', '.join(gpus)}" if gpus else "none seen"
    built = {"": "", "cpu": "; torch is built for CPUs"}.get(
        torch, f"; torch is built for CUDA {torch}"
    )
    checks = [Check(name="GPUs", ok=True, found=seen + built)]
    if collectives := found.get("horovod"):
        checks.append(Check(name="horovod", ok=True, found=collectives))
    return checks


def _python() -> Check:
    found = f"Python {sys.version.split()[0]}, aimass-jupyter {__version__}"
    return Check(name="control plane", ok=True, found=found)


def _jobs_run_in() -> Check:
    return Check(name=JOBS_RUN_IN, ok=True, found=sys.prefix)


def _card(operation: Operation) -> OperationCard:
    return OperationCard(
        name=operation.name,
        short=operation.short,
        method=operation.method,
        path=operation.path,
        permission=operation.permission,
        help=operation.help,
        examples=list(operation.examples),
        body=operation.body,
        reply=operation.reply,
        open_field=operation.open_field,
        request=operation.request.model_json_schema(),
        response=operation.response.model_json_schema(mode="serialization"),
    )
