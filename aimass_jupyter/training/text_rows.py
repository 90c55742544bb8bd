"""Rows whose texts are kept as words: made into what a network reads, batch by batch.

Kept as features, texts would take many times the memory, and no word could be left out any more.
The same sums as in ``data.words``, on the device that trains.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aimass_jupyter.data import Preprocessing
from aimass_jupyter.data.encoders import TextEncoder
from aimass_jupyter.data.words import NO_WORD, slots_of


class TextRows:
    """What to do with packed rows, (rows, packed width): which of their columns are words.

    Parameters
    ----------
    preprocessing
        That has packed them.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        self._features = list(preprocessing.packed_features())

    def unpack(self, rows: Tensor) -> Tensor:
        """Return what a network reads, (rows, width)."""
        parts = [
            features_of(rows[:, part], encoder.slots)
            if isinstance(encoder, TextEncoder)
            else rows[:, part]
            for encoder, part in self._features
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)

    def drop_words(self, rows: Tensor, share: float) -> Tensor:
        """Leave out so many words; what stood beside them are no neighbours for it."""
        rows = rows.clone()
        for part in self._texts():
            dropped = torch.rand(len(rows), part.stop - part.start, device=rows.device) < share
            rows[:, part].masked_fill_(dropped, NO_WORD)
        return rows

    def swap_words(self, rows: Tensor, share: float) -> Tensor:
        """Swap so many of the pairs of neighbours; every word has one partner."""
        rows = rows.clone()
        for part in self._texts():
            rows[:, part] = swapped(rows[:, part], share)
        return rows

    def _texts(self) -> list[slice]:
        return [part for encoder, part in self._features if isinstance(encoder, TextEncoder)]


def swapped(words: Tensor, share: float) -> Tensor:
    """Swap words with their neighbours: those at even places with the next, or those at odd."""
    rows, most = words.shape
    places = torch.arange(most, device=words.device)
    odd = torch.randint(2, (rows, 1), device=words.device)
    first = places - (places - odd) % 2  # of the pair that a place belongs to
    both = (first >= 0) & (first + 1 < most)
    first = first.clamp(0, most - 2)
    drawn = torch.rand(rows, most, device=words.device).gather(1, first) < share
    there = (words.gather(1, first) > NO_WORD) & (words.gather(1, first + 1) > NO_WORD)
    partner = 2 * first + 1 - places
    return words.gather(1, torch.where(both & drawn & there, partner, places))


def features_of(words: Tensor, width: int) -> Tensor:
    """Return what a network reads of texts, (rows, width); see ``data.words.features_of``."""
    rows = len(words)
    counts = torch.zeros(rows, width + 1, device=words.device)
    for slots in slots_of(words.long(), width):  # -1 is none: its own column, thrown away
        counts.scatter_add_(1, slots + 1, torch.ones_like(slots, dtype=counts.dtype))
    counts = counts[:, 1:]
    weights = torch.where(counts > 0, 1 + counts.clamp(min=1).log(), 0.0)
    return weights / weights.square().sum(1, keepdim=True).sqrt().clamp(min=1)
