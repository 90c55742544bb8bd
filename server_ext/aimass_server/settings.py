"""What an administrator sets, as the rooms are given it; the traits of ``app`` are where from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from aimass_server.jobs.ledger import Quotas
from aimass_server.jobs.preemption import Policy


@dataclass(frozen=True)
class Settings:
    """What an administrator sets."""

    folder: Path
    slots: int
    max_upload_bytes: int
    gpus: int = 0
    jobs_per_user: int = 0
    slots_per_user: int = 0
    queued_per_user: int = 0
    base_url: str = "/"
    warm: bool = True
    warm_memory_bytes: int = 1 << 30
    retention_days: float = 0.0
    retention_newest: int = 10
    run_lost_seconds: float = 30.0
    preemption: Policy = field(default_factory=Policy)
    quotas: Quotas = field(default_factory=Quotas)
    log_bytes: int = 64 << 20
