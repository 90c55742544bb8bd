"""The loss guard: what happens when a step's loss is NaN or infinite. It never goes unsaid.

All ranks see the same mean loss and therefore decide alike, without asking one another. On a GPU
a loss is looked at one step later: to wait for it at once would have the GPU wait for us.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from aimass_jupyter.host import write_notice
from aimass_jupyter.training.failure import Disconnected, NotANumber
from aimass_jupyter.training.place import Place

OnNan = Literal["stop", "skip", "continue"]
_DONE = {"skip": "was skipped", "continue": "was taken all the same"}


class _NotANumberElsewhere(Disconnected, NotANumber):
    """It came from another rank's rows; that rank says so."""


class _Seen:
    """A step's loss, of this rank's rows and over those of all; the latter on its way to us."""

    def __init__(self, step: int, own: Tensor, mean: Tensor) -> None:
        self.step = step
        self.own = own.detach()
        self._mean = mean.detach().to("cpu", non_blocking=True)
        self._arrived: torch.cuda.Event | None = None
        if mean.is_cuda:
            self._arrived = torch.cuda.current_stream(mean.device).record_event()

    def mean(self) -> float:
        """The mean, once it has arrived."""
        if self._arrived:
            self._arrived.synchronize()
        return self._mean.item()


class LossGuard:
    """Looks at the loss of each step of a run.

    Parameters
    ----------
    device
        Where losses are. Off the CPU, each is looked at when the next step asks, or
        :meth:`settle` does; where a step may be skipped, at once all the same.

    Attributes
    ----------
    found
        Steps whose loss was no number so far.
    """

    def __init__(self, policy: OnNan, folder: Path, place: Place, device: torch.device) -> None:
        self.found = 0
        self._policy = policy
        self._folder = folder
        self._place = place
        self._behind = device.type != "cpu" and policy != "skip"
        self._unseen: _Seen | None = None

    def admits(self, step: int, own: Tensor, mean: Tensor, gradients: Tensor) -> bool:
        """Whether the step may be taken.

        Parameters
        ----------
        own, mean
            The loss of this rank's rows, and over those of all ranks.
        gradients
            Over all ranks. A finite loss can have infinite ones, which spoil what skipping keeps.

        Raises
        ------
        NotANumber
            When the loss is none and training is to stop; on other ranks than the one that it came
            from, ``Disconnected``.
        """
        before, self._unseen = self._unseen, _Seen(step, own, mean)
        if not self._behind:
            before, self._unseen = self._unseen, None
        return before is None or self._judge(before, gradients)

    def settle(self) -> None:
        """Look at a step that was not looked at yet, before what it left is kept or shown.

        Raises
        ------
        NotANumber
            As :meth:`admits` does.
        """
        before, self._unseen = self._unseen, None
        if before is not None:
            self._judge(before)

    def _judge(self, seen: _Seen, gradients: Tensor | None = None) -> bool:
        """Whether a step may be taken; ``gradients`` where it may still be skipped."""
        if math.isfinite(seen.mean()) and (
            self._policy != "skip" or gradients is None or _finite(gradients)
        ):
            return True
        self.found += 1
        if self._policy == "stop":
            self._stop(seen)
        self._flag(seen.step)
        return self._policy == "continue"

    def look_at_held_out(self, step: int, loss: float) -> None:
        """Look at the loss on held-out rows after a step; it is the same on all ranks.

        The steps before it are settled first.

        Raises
        ------
        NotANumber
            When it is none and training is to stop.
        """
        self.settle()
        if math.isfinite(loss):
            return
        text = f"the loss on held-out rows became {loss} after step {step:,}"
        if self._policy == "stop":
            raise NotANumber(text, "look for extreme values in the data, or say --on-nan continue")
        self._say("held-out-loss", text)

    def _stop(self, seen: _Seen) -> None:
        became = f"the loss of step {seen.step + 1:,} became {seen.mean()}"
        if self._place.size > 1 and math.isfinite(seen.own.item()):
            raise _NotANumberElsewhere(became)
        raise NotANumber(
            f"{became} on rank {self._place.rank}",
            "try a smaller --learning-rate, look for extreme values in the data, "
            "or say --on-nan skip",
        )

    def _flag(self, step: int) -> None:
        """Say it once for all such steps, with their number."""
        steps = "1 step" if self.found == 1 else f"{self.found:,} steps"
        done = _DONE[self._policy]
        text = f"the loss of {steps} was NaN or infinite, lastly of step {step + 1:,}; each {done}"
        if _is_power_of_two(self.found) and not self._place.rank:
            print(text)
        self._say("loss", text)

    def _say(self, name: str, text: str) -> None:
        say(self._folder, self._place, name, text)


class GradientGuard:
    """Looks at the gradients of own code before each step; one that they would spoil is skipped.

    All ranks see the same averaged gradients and therefore decide alike.
    """

    def __init__(self, folder: Path, place: Place) -> None:
        self._folder = folder
        self._place = place
        self._found = 0

    def look(self, parameters: Iterable[Tensor]) -> None:
        """Take gradients that are no numbers away: an optimizer passes over what has none."""
        learnt = list(parameters)
        if all(p.grad is None or _finite(p.grad) for p in learnt):
            return
        for parameter in learnt:
            parameter.grad = None
        self._found += 1
        steps = "1 step was" if self._found == 1 else f"{self._found:,} steps were"
        text = f"{steps} skipped: the gradients were NaN or infinite"
        if _is_power_of_two(self._found) and not self._place.rank:
            print(text)
        say(self._folder, self._place, "gradients", text)


def say(folder: Path, place: Place, name: str, text: str) -> None:
    """Have rank 0 say something of the job; a full disk only leaves it unsaid."""
    if place.rank == 0:
        with contextlib.suppress(OSError):
            write_notice(folder, name, text)


def _is_power_of_two(number: int) -> bool:
    """So that the log has the 1st, 2nd, 4th, 8th… and not each."""
    return number & (number - 1) == 0


def _finite(gradients: Tensor) -> bool:
    return bool(torch.isfinite(gradients.sum()))
