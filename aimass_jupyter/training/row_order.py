"""The order of rows in an epoch: any for what fits in memory, by blocks for what does not.

A block is a stretch of rows that lie together on the disk. An epoch goes through the blocks in an
order of its own, some at a time, and shuffles the rows of those together: what it reads at a time
is bounded, and it reads stretches, not single rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

SMALL_BYTES = 1 << 30
_BLOCK_BYTES = 1 << 20
_WINDOW_BYTES = 1 << 28


@dataclass(frozen=True)
class RowOrder:
    """How the rows of a data set are shuffled; the same on every rank, whatever their number.

    Attributes
    ----------
    rows
        How many there are.
    block, window
        Rows of a block, and blocks that are shuffled together; one window of blocks of one row
        for what fits in memory.
    """

    rows: int
    block: int
    window: int

    @classmethod
    def of(cls, rows: int, row_bytes: int, small_bytes: int = SMALL_BYTES) -> RowOrder:
        """Choose by the size of the rows, and by nothing that machines differ in."""
        if rows * row_bytes <= small_bytes:
            return cls(rows, 1, max(1, rows))
        block = max(1, _BLOCK_BYTES // row_bytes)
        return cls(rows, block, max(1, _WINDOW_BYTES // (block * row_bytes)))

    def batches(self, seed: list[int], steps: int) -> Iterator[Indices]:
        """Yield the numbers of the rows of each step; in ``steps`` steps every row is seen once.

        Steps have equally many rows, or one row more at first, as ``numpy.array_split`` has it.
        """
        each, more = divmod(self.rows, steps)
        stretches = self._stretches(np.random.default_rng(seed))
        at_hand = np.empty(0, dtype=np.int64)
        for step in range(steps):
            size = each + (step < more)
            parts, found = [at_hand], len(at_hand)
            while found < size:
                parts.append(next(stretches))
                found += len(parts[-1])
            at_hand = np.concatenate(parts) if len(parts) > 1 else at_hand
            yield at_hand[:size]
            at_hand = at_hand[size:]

    def _stretches(self, generator: np.random.Generator) -> Iterator[Indices]:
        """Yield the rows of each window, shuffled."""
        blocks = generator.permutation(-(-self.rows // self.block))
        if self.block == 1:
            yield blocks
            return
        within = np.arange(self.block)
        for first in range(0, len(blocks), self.window):
            chosen = (blocks[first : first + self.window, None] * self.block + within).ravel()
            chosen = chosen[chosen < self.rows]  # the last block may be short
            yield generator.permutation(chosen)
