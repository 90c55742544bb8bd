"""Reports, held against scikit-learn on any predictions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from aimass_jupyter.evaluation import classification_report, regression_report

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, rows=st.integers(1, 60), classes=st.integers(2, 6))
def test_classification_agrees_with_scikit_learn(seed: int, rows: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), rows)
    truths = generator.integers(0, classes, rows)
    predicted = probabilities.argmax(axis=1)
    names = [str(number) for number in range(classes)]
    report = classification_report(probabilities, truths, names)
    assert report.metrics == pytest.approx(
        {
            "accuracy": sk.accuracy_score(truths, predicted),
            "f1": sk.f1_score(truths, predicted, average="macro", zero_division=0),
            "log_loss": sk.log_loss(truths, probabilities, labels=range(classes)),
        },
        abs=1e-9,
    )
    wanted = sk.precision_recall_fscore_support(
        truths, predicted, labels=range(classes), zero_division=0
    )
    given = [[s.precision, s.recall, s.f1, s.rows] for s in report.classes]
    assert np.array(given) == pytest.approx(np.array(wanted).T)
    assert (
        report.confusion == sk.confusion_matrix(truths, predicted, labels=range(classes)).tolist()
    )


@given(seed=seeds, rows=st.integers(2, 60))
def test_regression_agrees_with_scikit_learn(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    truths, predicted = generator.normal(100, 20, (2, rows))
    report = regression_report(predicted, truths)
    assert report.metrics == pytest.approx(
        {
            "r2": sk.r2_score(truths, predicted),
            "rmse": np.sqrt(sk.mean_squared_error(truths, predicted)),
            "mae": sk.mean_absolute_error(truths, predicted),
        }
    )


def test_a_sure_mistake_is_dear_and_not_infinite() -> None:
    report = classification_report(np.array([[1.0, 0.0]], np.float32), np.array([1]), ["a", "b"])
    assert report.metrics["log_loss"] == pytest.approx(-np.log(np.finfo(np.float32).eps))
    assert report.metrics["accuracy"] == 0


def test_what_is_no_number_is_none() -> None:
    broken = classification_report(np.array([[np.nan, np.nan]]), np.array([1]), ["a", "b"])
    assert set(broken.metrics.values()) == {None}
    assert regression_report(np.array([np.inf]), np.array([1.0])).metrics["rmse"] is None
    assert regression_report(np.array([1.0, 2.0]), np.array([5.0, 5.0])).metrics["r2"] is None


def test_no_rows_are_no_metrics() -> None:
    none = classification_report(np.empty((0, 2)), np.empty(0, np.int64), ["a", "b"])
    assert set(none.metrics.values()) == {None}
    assert set(regression_report(np.empty(0), np.empty(0)).metrics.values()) == {None}


def test_a_report_is_json() -> None:
    report = classification_report(np.eye(3), np.arange(3), ["a", "b", "c"])
    record = json.loads(json.dumps(report.as_record(), allow_nan=False))
    assert record["metrics"]["f1"] == 1.0
    assert record["classes"][0] == {"name": "a", "rows": 1, "precision": 1, "recall": 1, "f1": 1}
