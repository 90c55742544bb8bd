"""The one-file form of a model version: written by a job, checked by everyone who reads it.

A bundle is an ordinary ZIP file, stored and not compressed, of exactly four members::

    manifest.json          what it is: task, parameters, metrics, signature, origin, checksums
    preprocessing.json     how columns become the network's input, and its output an answer
    weights.safetensors    the trained weights, to train on from
    model.onnx             the network, to predict with: one input, one output

The same content always gives the same bytes, so a bundle's digest names the model. The reader
takes what the writer writes and nothing else: a fifth member, a path, a link, compression, a gap
or a wrong checksum is refused, and no size inside the file is believed before it is held against
the size of the file. There is no pickle anywhere.

This room must not import numpy, torch, pyarrow or onnx: the control plane reads manifests with it.
What the members mean is for ``aimass_jupyter.data`` and ``aimass_jupyter.inference`` to know.
"""

from aimass_jupyter.bundle.archive import MAX_BUNDLE_BYTES
from aimass_jupyter.bundle.bundle import open_member, read_manifest, write_bundle
from aimass_jupyter.bundle.manifest import (
    MEMBERS,
    MODEL,
    PREPROCESSING,
    WEIGHTS,
    BundleDescription,
    Manifest,
)

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MEMBERS",
    "MODEL",
    "PREPROCESSING",
    "WEIGHTS",
    "BundleDescription",
    "Manifest",
    "open_member",
    "read_manifest",
    "write_bundle",
]
