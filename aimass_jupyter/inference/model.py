"""A bundle, loaded: columns in, answers out. It knows nothing of requests or sockets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.bundle import MODEL, PREPROCESSING, Manifest, open_member, read_manifest
from aimass_jupyter.contract.errors import Failed, InvalidRequest
from aimass_jupyter.data.transforms import Preprocessing
from aimass_jupyter.inference.graph import Graph

Array = npt.NDArray[Any]

ROWS_A_RUN = 1024  # bounds the memory that a network takes for its activations


class LoadedModel:
    """A model version that predicts.

    Attributes
    ----------
    manifest
        What the bundle says of itself: signature, metrics, origin.
    preprocessing
        How columns become the network's input.
    """

    def __init__(self, manifest: Manifest, preprocessing: Preprocessing, graph: Graph) -> None:
        self.manifest = manifest
        self.preprocessing = preprocessing
        self._graph = graph

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Array]:
        """Predict.

        Parameters
        ----------
        columns
            An array or a list for each input of the signature, with one entry a row.

        Returns
        -------
        dict
            The outputs of the signature: ``label`` and ``probabilities``, or ``value``.

        Raises
        ------
        InvalidRequest
            When an input is absent, or is not of its kind or length.
        Failed
            When the network gives NaN or infinity.
        """
        rows = self.preprocessing.pack(columns)
        starts = range(0, len(rows), ROWS_A_RUN)
        parts = [self._outputs(rows[start : start + ROWS_A_RUN]) for start in starts]
        outputs = np.concatenate(parts) if parts else self._no_rows()
        if not np.isfinite(outputs).all():
            raise Failed(
                f"model '{self.manifest.name}' gives NaN or infinity for these rows",
                "look at the curves of its training: it may have diverged",
            )
        return self.preprocessing.decode(outputs)

    def _outputs(self, rows: Array) -> Array:
        inputs = self.preprocessing.unpack(rows)
        return self._graph.run(inputs).reshape(len(rows), self.preprocessing.output_size)

    def _no_rows(self) -> Array:
        return np.empty((0, self.preprocessing.output_size), np.float32)


def load_bundle(path: str | Path) -> LoadedModel:
    """Check a bundle, every byte of it, and load it.

    Raises
    ------
    InvalidRequest
        When the file is not a whole bundle, or its parts do not fit together.
    """
    path = Path(path)
    manifest = read_manifest(path)
    preprocessing = Preprocessing.from_json(open_member(path, PREPROCESSING))
    graph = Graph(open_member(path, MODEL))
    _check_fit(manifest, preprocessing, graph)
    return LoadedModel(manifest, preprocessing, graph)


def _check_fit(manifest: Manifest, preprocessing: Preprocessing, graph: Graph) -> None:
    """The signature, the preprocessing and the network must speak of the same things."""
    told, true = manifest.signature, preprocessing.signature()
    if (told.inputs, told.outputs) != (true.inputs, true.outputs):
        raise InvalidRequest(
            f"the signature of '{manifest.name}' is not that of its preprocessing",
            "train the model again",
        )
    rows = np.zeros((2, *preprocessing.input_shape), np.float32)
    outputs = graph.run(rows)
    if outputs.size != 2 * preprocessing.output_size or len(outputs) != 2:
        raise InvalidRequest(
            f"the network of '{manifest.name}' gives {list(outputs.shape)} for two rows, "
            f"and must give {preprocessing.output_size} numbers a row",
            "train the model again",
        )
