"""Predicting with a bundle: in Python, or as a replica, a program that answers on a Unix socket.

::

    from aimass_jupyter.inference import load_bundle

    model = load_bundle("digits.aimass")
    model.predict({"image": images})     # {"label": …, "probabilities": …}

The replica is the same model behind the Open Inference Protocol v2: it checks each request
against the signature, gathers those that wait into one batch, and gives the same answers as the
Python way. It listens on a socket that only its user can open; keys, limits and HTTP are the
gateway's business.

This room must not import torch: prediction needs numpy and ONNX Runtime, and starts in a second.
"""

from aimass_jupyter.inference.model import LoadedModel, load_bundle

__all__ = ["LoadedModel", "load_bundle"]
