"""Ensembles: several fits one after the other, each on rows of its own, that become one network.

Which rows, with what weights and labels, is decided here; the loop trains each member as it trains
any network, on every engine. All ranks decide alike: they see the same outputs in the same order.
A run that goes on finds finished members in their checkpoints and decides the same again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from aimass_jupyter.algorithms import Task, build_network
from aimass_jupyter.algorithms.combining import (
    Combination,
    Mean,
    Stack,
    Sum,
    Vote,
    mean_head,
    shown_to_head,
)
from aimass_jupyter.contract.hyperparameters import Hyperparameters
from aimass_jupyter.training.course import Course
from aimass_jupyter.training.rows import Part, Rows

Fit = Callable[[Course, Hyperparameters, Task, Rows, nn.Sequential], None]
Report = Callable[[int, Combination], None]

_ROWS_AT_ONCE = 1024
_PLAIN = {
    "rotation": 0.0, "scaling": 0.0, "shear": 0.0, "shift": 0.0, "flip": "none", "colour": 0.0,
    "noise": 0.0, "word_dropout": 0.0, "word_swap": 0.0, "feature_dropout": 0.0, "mixup": 0.0,
}  # fmt: skip


def fits_of(params: Hyperparameters) -> int:
    """How many networks are trained at most."""
    if params.ensemble == "none":
        return 1
    if params.ensemble == "stacking":
        return params.members * (params.folds + 1) + 1
    return params.members


@dataclass(frozen=True)
class Members:
    """What trains the members of an ensemble.

    Attributes
    ----------
    fit
        Trains one network.
    report
        Is told of the ensemble as it is after so many members.
    """

    course: Course
    params: Hyperparameters
    task: Task
    rows: Rows
    fit: Fit
    report: Report

    @property
    def classes(self) -> int:
        """How many there are; 0 when the label is a number."""
        preprocessing = self.rows.preprocessing
        return preprocessing.output_size if preprocessing.task == "classification" else 0

    def train(
        self, number: int, rows: Rows, params: Hyperparameters | None = None
    ) -> nn.Sequential:  # fmt: skip
        """Train a network from first weights of its own."""
        params, shape = params or self.params, rows.preprocessing.input_shape
        seed = int(np.random.SeedSequence([rows.seed, number]).generate_state(1)[0])
        torch.manual_seed(seed)
        network = build_network(params, shape, rows.preprocessing.output_size)
        network.to(self.course.engine.device)
        self.fit(self.course, params, self.task, replace(rows, seed=seed), network)
        return network

    def answers(self, network: nn.Module, part: Part) -> Tensor:
        """Return what a network says of this rank's part."""
        network.eval()
        device = self.course.engine.device
        with torch.no_grad():
            pieces = part.inputs.split(_ROWS_AT_ONCE)
            return torch.cat([network(part.unpacked(piece.to(device))) for piece in pieces]).cpu()

    def answers_of_all(self, network: nn.Module, rows: npt.NDArray[np.int64]) -> Tensor:
        """Return what a network says of rows to train on, in their order; each rank does a part."""
        mine = self.answers(network, self.rows.share_of(rows))
        return self.course.engine.gather(mine.to(self.course.engine.device)).cpu()


def train_ensemble(members: Members) -> Combination:
    """Train what the hyperparameters ask for."""
    kind = members.params.ensemble
    if kind == "boosting":
        return _boost_classes(members) if members.classes else _boost_numbers(members)
    return _stack(members) if kind == "stacking" else _bag(members)


def _bag(members: Members) -> Combination:
    """Bagging (Breiman, 1996): each member has as many rows, drawn with replacement."""
    count, found = members.rows.training_rows, list[nn.Sequential]()
    for number in range(members.params.members):
        drawn = np.random.default_rng([members.rows.seed, number]).integers(count, size=count)
        found.append(members.train(number, members.rows.picking(drawn)))
        mean = Mean(found, [1 / len(found)] * len(found), members.classes)
        members.report(number + 1, mean)
    return mean


def _boost_classes(members: Members) -> Combination:
    """AdaBoost for any number of classes (SAMME; Hastie et al., Statistics and Its Interface 2009).

    It ends before its time when a member makes no mistake, or is no better than chance.
    """
    rows, classes = members.rows, members.classes
    everything = np.arange(rows.training_rows)
    weights = np.full(len(everything), 1 / len(everything))
    found, votes = list[nn.Sequential](), list[float]()
    for number in range(members.params.members):
        counted = torch.from_numpy(weights * len(everything)).float()
        network = members.train(number, rows.weighing(counted))
        said = members.answers_of_all(network, everything).argmax(1)
        wrong = (said != rows.training.targets).numpy()
        error = float(weights[wrong].sum())
        if error >= 1 - 1 / classes and found:
            print(f"member {number + 1} is no better than chance: boosting ends before it")
            break
        found.append(network)
        votes.append(_votes(error, classes))
        weights = weights * np.exp(votes[-1] * wrong)
        weights /= weights.sum()
        vote = Vote(found, [one / (classes - 1) for one in votes], classes)
        members.report(number + 1, vote)
        if error == 0:
            print(f"member {number + 1} makes no mistake on its rows: boosting ends with it")
            break
    return vote


def _votes(error: float, classes: int) -> float:
    """Equation 14 of that paper; 1 where it has no value."""
    if not 0 < error < 1 - 1 / classes:
        return 1.0
    return math.log((1 - error) / error) + math.log(classes - 1)


def _boost_numbers(members: Members) -> Combination:
    """Gradient boosting of squared errors (Friedman, 2001): each learns what is left to explain."""
    rows = members.rows
    everything = np.arange(rows.training_rows)
    left, left_held_out = rows.training.targets, rows.held_out.targets
    found, shares = list[nn.Sequential](), list[float]()
    for number in range(members.params.members):
        scale = float(left.std()) or 1.0
        network = members.train(number, rows.learning(left / scale, left_held_out / scale))
        found.append(network)
        shares.append(members.params.shrinkage * scale)
        left = left - shares[-1] * members.answers_of_all(network, everything).squeeze(1)
        answers = members.answers(network, rows.held_out).squeeze(1)
        left_held_out = left_held_out - shares[-1] * answers
        total = Sum(found, shares, 0)
        members.report(number + 1, total)
    return total


def _stack(members: Members) -> Combination:
    """Stacked generalisation (Wolpert, 1992): a linear head over members that differ.

    The head learns from answers of members that did not see those rows. The members that it then
    stands on are trained on all rows.
    """
    rows, count = members.rows, members.params.members
    unseen = [_unseen_answers(members, number) for number in range(count)]
    trained = [members.train(number, rows, _variant(members, number)) for number in range(count)]
    shown = [shown_to_head(members.answers(one, rows.held_out), members.classes) for one in trained]
    width = rows.preprocessing.output_size
    head = mean_head(count, width).to(members.course.engine.device)
    plain = members.params.model_copy(update=_PLAIN)
    inputs = rows.showing(torch.cat(unseen, 1), torch.cat(shown, 1))
    members.fit(members.course, plain, members.task, inputs, nn.Sequential(head))
    stack = Stack(trained, head, members.classes)
    members.report(count, stack)
    return stack


def _unseen_answers(members: Members, number: int) -> Tensor:
    """What a member says of each row that it was not trained on, as the head is shown it."""
    rows, params = members.rows, members.params
    shown = torch.empty(rows.training_rows, rows.preprocessing.output_size)
    for fold in _folds(rows, params.folds):
        others = np.setdiff1d(np.arange(rows.training_rows), fold)
        network = members.train(number, rows.picking(others), _variant(members, number))
        answers = members.answers_of_all(network, fold)
        shown[torch.from_numpy(fold)] = shown_to_head(answers, members.classes)
    return shown


def _folds(rows: Rows, count: int) -> list[npt.NDArray[np.int64]]:
    """Split the rows to train on; each part has its share of each class."""
    order = np.random.default_rng(rows.seed).permutation(rows.training_rows)
    if rows.preprocessing.task == "classification":
        order = order[np.argsort(rows.training.targets.numpy()[order], kind="stable")]
    return [np.sort(order[fold::count]) for fold in range(min(count, len(order)))]


def _variant(members: Members, number: int) -> Hyperparameters:
    """The settings of a member: another architecture in turn, where none was asked for."""
    params = members.params
    if params.architecture != "auto":
        return params
    image = len(members.rows.preprocessing.input_shape) == 3
    kinds = ("cnn", "mlp", "linear") if image else ("mlp", "linear")
    return params.model_copy(update={"architecture": kinds[number % len(kinds)]})
