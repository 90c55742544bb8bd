"""Stripes: how a vector in shared memory is cut up among ranks, and among a core's caches."""

from __future__ import annotations

_PIECE = 1 << 16  # floats that stay in a core's cache from one operation to the next
_ALIGNED = 16  # floats of a cache line: no two ranks write to the same one


def stripe_of(count: int, rank: int, size: int) -> slice:
    """Return the part of a vector that is a rank's; together the ranks have it all, each once."""
    each = -(-count // (size * _ALIGNED)) * _ALIGNED
    return slice(min(rank * each, count), min((rank + 1) * each, count))


def pieces_of(stripe: slice) -> list[slice]:
    """Cut a stripe into pieces."""
    starts = range(stripe.start, stripe.stop, _PIECE)
    return [slice(start, min(start + _PIECE, stripe.stop)) for start in starts]
