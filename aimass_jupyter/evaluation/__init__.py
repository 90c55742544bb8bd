"""Evaluation: how good predictions are, in numbers that fit in JSON.

It takes arrays of predictions and truths and gives a :class:`Report`: the metrics that rank models
(``accuracy``, ``f1``, ``log_loss``; ``r2``, ``rmse``, ``mae``) and, for classes, a line for each.
It needs numpy alone, knows no model and no framework, and reads no file. A metric that is not a
finite number is None, never NaN: what comes out can be written as JSON and compared.
"""

from aimass_jupyter.evaluation.classification import classification_report
from aimass_jupyter.evaluation.regression import regression_report
from aimass_jupyter.evaluation.report import ClassScore, Report

__all__ = ["ClassScore", "Report", "classification_report", "regression_report"]
