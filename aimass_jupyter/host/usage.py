"""Use: what is used of this machine, and by which jobs. A look takes a few milliseconds.

psutil reads the machine, and NVML the GPUs where ``pynvml`` and a driver are there. A job's
processes are found by their marker, as those who stop it find them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MARKER = b"AIMASS_JOB_ID="
_TICK_SECONDS = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def memory_size() -> int:
    """The memory of this machine, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES


class UseSampler:
    """Looks at this machine again and again; rates are since the look before.

    Parameters
    ----------
    folder
        Where jobs work: the disk that is looked at.
    """

    def __init__(self, folder: Path) -> None:
        import psutil

        self._psutil = psutil
        self._folder = folder
        self._before = time.monotonic()
        self._network = self._bytes()
        self._job_seconds: dict[tuple[str, int], float] = {}
        self._gpus = Gpus()
        psutil.cpu_percent()  # the first look only begins to count

    def sample(self) -> dict[str, Any]:
        """Look: the fields of the contract's ``NodeUse``, and ``jobs`` by id."""
        now = time.monotonic()
        passed, self._before = max(now - self._before, 1e-3), now
        received, sent = self._bytes()
        before, self._network = self._network, (received, sent)
        memory = self._psutil.virtual_memory()
        disk = self._psutil.disk_usage(str(self._folder))
        return {
            "at": time.time(),
            "cpu_percent": self._psutil.cpu_percent(),
            "memory_bytes": memory.total - memory.available,
            "memory_percent": memory.percent,
            "disk_bytes": disk.used,
            "disk_percent": disk.percent,
            "received_bytes_per_second": max(0.0, (received - before[0]) / passed),
            "sent_bytes_per_second": max(0.0, (sent - before[1]) / passed),
            "jobs": self._jobs(passed),
        } | self._gpus.sample()

    def _bytes(self) -> tuple[int, int]:
        """Received and sent so far; the loopback interface is no network."""
        found = self._psutil.net_io_counters(pernic=True)
        real = [counted for name, counted in found.items() if name != "lo"]
        return sum(c.bytes_recv for c in real), sum(c.bytes_sent for c in real)

    def _jobs(self, passed: float) -> dict[str, dict[str, float]]:
        seconds, jobs = {}, dict[str, dict[str, float]]()
        for job, pid in job_processes():
            with contextlib.suppress(OSError, IndexError):  # it ended just now
                used, resident = _process_use(pid)
                seconds[job, pid] = used
                use = jobs.setdefault(job, {"processes": 0, "cpu_percent": 0, "memory_bytes": 0})
                since = used - self._job_seconds.get((job, pid), used)
                use["processes"] += 1
                use["cpu_percent"] += 100 * since / passed
                use["memory_bytes"] += resident
        self._job_seconds = seconds
        return jobs


def job_processes() -> Iterator[tuple[str, int]]:
    """The living processes of jobs: job id and pid."""
    with os.scandir("/proc") as entries:
        for entry in entries:
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):  # gone, or another user's
                for variable in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    if variable.startswith(_MARKER):
                        yield variable[len(_MARKER) :].decode(errors="replace"), int(entry.name)


def _process_use(pid: int) -> tuple[float, int]:
    """CPU seconds and resident bytes of a process, without what it shares."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    _, resident, shared = Path(f"/proc/{pid}/statm").read_bytes().split()[:3]
    seconds = (int(fields[11]) + int(fields[12])) * _TICK_SECONDS
    return seconds, (int(resident) - int(shared)) * _PAGE_BYTES


def gpu_count(driver: Path = Path("/proc/driver/nvidia/gpus")) -> int:
    """How many GPUs NVIDIA's driver knows; none is woken, and nothing is loaded."""
    with contextlib.suppress(OSError):
        return sum(1 for _ in driver.iterdir())
    return 0


class Gpus:
    """The GPUs of NVIDIA's that NVML tells of; none where it is not there."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self.count = 0
        try:
            import pynvml

            pynvml.nvmlInit()
            self.count = pynvml.nvmlDeviceGetCount()
            self._nvml = pynvml
        except ImportError:
            return
        except pynvml.NVMLError:  # no driver
            return

    def sample(self) -> dict[str, Any]:
        """How busy they are, all together; nothing without one."""
        if not self.count:
            return {}
        nvml = self._nvml
        try:
            handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(self.count)]
            busy = [nvml.nvmlDeviceGetUtilizationRates(handle).gpu for handle in handles]
            memory = sum(nvml.nvmlDeviceGetMemoryInfo(handle).used for handle in handles)
        except nvml.NVMLError:  # a GPU fell off the bus: the rest can be told all the same
            return {}
        return {"gpu_percent": sum(busy) / self.count, "gpu_memory_bytes": memory}
