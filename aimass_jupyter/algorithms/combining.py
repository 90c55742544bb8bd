"""Combinations: several networks that answer as one, with the outputs that one would have.

They hold what was learnt about the members and learn nothing themselves. ``training`` decides what
each member learns from, and writes the same sums as ONNX.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LEAST_PROBABILITY = 1e-12
LEAST_LOG = -15.0  # of a probability, as the head of a stack is shown it


class Combination(nn.Module):
    """Networks with the same inputs and outputs, and how much each counts.

    Parameters
    ----------
    classes
        How many there are; 0 when the label is a number.
    """

    shares: Tensor

    def __init__(self, members: Sequence[nn.Module], shares: Sequence[float], classes: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.classes = classes
        self.register_buffer("shares", torch.tensor(list(shares), dtype=torch.float32))

    def answers(self, inputs: Tensor) -> list[Tensor]:
        """What each member says."""
        return [member(inputs) for member in self.members]


class Mean(Combination):
    """The mean of what the members say: of their probabilities, or of their numbers."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, or numbers."""
        answers = self.answers(inputs)
        if not self.classes:
            return _weighted(answers, self.shares)
        mean = _weighted([answer.softmax(1) for answer in answers], self.shares)
        return mean.clamp_min(LEAST_PROBABILITY).log()


class Sum(Combination):
    """What the members say, each times its share, added up."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return numbers."""
        return _weighted(self.answers(inputs), self.shares)


class Vote(Combination):
    """Each member has as many votes as its share, all for the class that it holds likeliest."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the votes of each class."""
        chosen = [answer.argmax(1) for answer in self.answers(inputs)]
        ballots = [nn.functional.one_hot(one, self.classes).float() for one in chosen]
        return _weighted(ballots, self.shares)


class Stack(Combination):
    """A linear head that has learnt whom of the members to believe in what."""

    def __init__(self, members: Sequence[nn.Module], head: nn.Linear, classes: int) -> None:
        super().__init__(members, [1.0] * len(members), classes)
        self.head = head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, or numbers."""
        shown = [shown_to_head(answer, self.classes) for answer in self.answers(inputs)]
        answered: Tensor = self.head(torch.cat(shown, 1))
        return answered


def shown_to_head(answers: Tensor, classes: int) -> Tensor:
    """What the head of a stack sees of a member: logarithms of probabilities, or numbers."""
    return answers.log_softmax(1).clamp_min(LEAST_LOG) if classes else answers


def mean_head(members: int, outputs: int) -> nn.Linear:
    """Return a head that gives the mean of what it is shown, to learn on from there."""
    head = nn.Linear(members * outputs, outputs)
    with torch.no_grad():
        head.weight.copy_(torch.eye(outputs).repeat(1, members) / members)
        head.bias.zero_()
    return head


def _weighted(answers: list[Tensor], shares: Tensor) -> Tensor:
    return (torch.stack(answers) * shares.view(-1, 1, 1)).sum(0)
