"""What the gateway counts of each endpoint: requests, faults and latencies of the last minutes.

It counts and tells; it keeps no request, no key and no name of who asked, and nothing on disk.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

SLOT_SECONDS = 5
MAX_SLOTS = 180  # a quarter of an hour
QUANTILES = (0.5, 0.9, 0.95, 0.99)

_FINEST_SECONDS = 50e-6
_STEP = math.log(1.1)  # a latency is told to within a tenth of itself


@dataclass
class Slot:
    """What happened within a few seconds."""

    at: int
    requests: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    latencies: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, model: str, status: int, seconds: float) -> None:
        """Count one answer; the latency is that of an answer that was given."""
        self.requests[model] += 1
        if status >= 500:
            self.errors[model] += 1
        elif status >= 400:
            self.refused += 1
        else:
            self.latencies[bucket_of(seconds)] += 1
            self.seconds += seconds

    def told(self) -> dict[str, Any]:
        """The slot as a sample."""
        return {
            "at": self.at,
            "seconds": SLOT_SECONDS,
            "requests": self.requests.total(),
            "errors": self.errors.total(),
            "refused": self.refused,
            **latency([self]),
        }


class Tally:
    """The counts of one endpoint.

    Parameters
    ----------
    clock
        Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._slots: deque[Slot] = deque(maxlen=MAX_SLOTS)
        self.requests = 0
        self.errors = 0

    def add(self, model: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.requests += 1
        self.errors += status >= 500
        self._current().add(model, status, seconds)

    def told(self, window_seconds: int) -> dict[str, Any]:
        """The counts of the last seconds, whole and by model, and their course."""
        begin = self._clock() - window_seconds
        slots = [slot for slot in self._slots if slot.at + SLOT_SECONDS > begin]
        requests, errors = _sum(s.requests for s in slots), _sum(s.errors for s in slots)
        return {
            "requests": requests.total(),
            "errors": errors.total(),
            "refused": sum(slot.refused for slot in slots),
            "requests_ever": self.requests,
            "errors_ever": self.errors,
            "latency": latency(slots),
            "versions": [
                {"model": model, "requests": count, "errors": errors[model]}
                for model, count in sorted(requests.items())
            ],
            "history": [slot.told() for slot in slots],
        }

    def _current(self) -> Slot:
        now = int(self._clock())
        at = now - now % SLOT_SECONDS
        if not self._slots or self._slots[-1].at < at:
            self._slots.append(Slot(at))
        return self._slots[-1]


def bucket_of(seconds: float) -> int:
    """The bucket of a latency: buckets grow with what is in them."""
    return max(0, math.ceil(math.log(max(seconds, _FINEST_SECONDS) / _FINEST_SECONDS) / _STEP))


def latency(slots: Iterable[Slot]) -> dict[str, float | None]:
    """Mean and quantiles of the latencies, in milliseconds; None where nothing was answered."""
    taken = list(slots)
    counts = _sum(slot.latencies for slot in taken)
    total = counts.total()
    mean = sum(slot.seconds for slot in taken) / total if total else None
    told: dict[str, float | None] = {"mean_ms": None if mean is None else round(1000 * mean, 3)}
    for quantile in QUANTILES:
        told[f"p{quantile * 100:.0f}_ms"] = _quantile(counts, quantile * total)
    return told


def _quantile(counts: Counter[int], wanted: float) -> float | None:
    """The upper edge of the bucket in which the wanted one lies."""
    seen = 0
    for bucket, count in sorted(counts.items()):
        seen += count
        if seen >= wanted:
            return round(1000 * _FINEST_SECONDS * math.exp(bucket * _STEP), 3)
    return None


def _sum(counters: Iterable[Counter[Any]]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for counter in counters:
        total.update(counter)
    return total
