"""The environment of a job: what programs need of ours, and no secret."""

from __future__ import annotations

import os

_PASSED = frozenset(
    {
        "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH",
        "LOGNAME", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV",
    }
)  # fmt: skip
_PASSED_PREFIXES = ("LC_", "NCCL_", "MKL_")


def job_environment(ranks: int) -> dict[str, str]:
    """What a job's processes get, the cores shared out among ``ranks``.

    It is a list of what may pass: whatever started us holds tokens, and a job's code reads all that
    it is given.
    """
    passed = {name: value for name, value in os.environ.items() if _passes(name)}
    cores = len(os.sched_getaffinity(0))
    ours = {
        "OMP_NUM_THREADS": str(max(1, cores // ranks)),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin take ten times as long on a busy machine
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return passed | ours


def _passes(name: str) -> bool:
    return name in _PASSED or name.startswith(_PASSED_PREFIXES)
