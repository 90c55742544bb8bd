"""The data sets that ship with scikit-learn: real data, no download."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa

from aimass_jupyter.contract.datasets import BUILTIN_DATASETS
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.data.images import as_images

_LABELS = {
    "breast_cancer": "diagnosis",
    "diabetes": "progression",
    "digits": "digit",
    "iris": "species",
    "wine": "cultivar",
}


def read_builtin(name: str) -> tuple[pa.Table, str]:
    """Return a built-in data set and the name of its label.

    Raises
    ------
    InvalidRequest
        When there is no such data set; the hint names the nearest.
    """
    if name not in BUILTIN_DATASETS:
        raise InvalidRequest(
            f"there is no built-in data set '{name}'", did_you_mean(name, BUILTIN_DATASETS)
        )
    from sklearn import datasets

    loaders: dict[str, Callable[[], Any]] = {
        "breast_cancer": datasets.load_breast_cancer,
        "diabetes": partial(datasets.load_diabetes, scaled=False),
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
    }
    loaded, label = loaders[name](), _LABELS[name]
    features = _digits(loaded) if name == "digits" else _measurements(loaded)
    return pa.table(features | {label: _target(name, loaded)}), label


def _digits(loaded: Any) -> dict[str, pa.Array]:
    return {"image": as_images("digits", loaded.images.astype(int))}


def _measurements(loaded: Any) -> dict[str, pa.Array]:
    return {
        _column_name(name): pa.array(values)
        for name, values in zip(loaded.feature_names, loaded.data.T, strict=True)
    }


def _column_name(feature: str) -> str:
    """``sepal length (cm)`` → ``sepal_length``; ``od280/od315_of_…`` → ``od280_od315_of_…``."""
    return re.sub(r"\W+", "_", re.sub(r"\(.*?\)", "", feature).strip())


def _target(name: str, loaded: Any) -> pa.Array:
    """Numbers as they are, classes by their names (a digit's name is the digit)."""
    if name in ("diabetes", "digits"):
        return pa.array(loaded.target)
    return pa.array([str(loaded.target_names[number]) for number in loaded.target])
