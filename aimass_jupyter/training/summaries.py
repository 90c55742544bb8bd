"""Summaries: what TensorBoard can show, as the bytes of one ``Summary.Value`` each.

    Summary.Value  1 tag · 2 simple_value float · 4 image · 5 histo · 8 tensor · 9 metadata
    metadata       1 plugin_data: 1 plugin_name · 2 content
    tensor         1 dtype · 2 shape: 2 dim: 1 size · 4 content · 8 string_val

Pure: it takes values and gives bytes, and writes no file. The plug-ins of TensorBoard that read
them are ``scalars``, ``histograms``, ``images``, ``text``, ``pr_curves`` and ``hparams``.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from aimass_jupyter.training import wire

HISTOGRAM_BINS = 30
THRESHOLDS = 127
MAX_TEXT = 100_000

_FLOAT, _STRING = 1, 7  # of tensorflow.DataType
_SUCCESS, _FAILURE = 1, 2  # of tensorboard.hparams.Status
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels → colour type

Array = npt.NDArray[Any]


def scalar(tag: str, value: float) -> bytes:
    """Return a point of a curve."""
    return wire.text(1, tag) + wire.single(2, value)


def histogram(tag: str, values: Array, bins: int = HISTOGRAM_BINS) -> bytes:
    """Return how values are distributed; those that are not finite are left out."""
    finite = np.asarray(values, np.float64).ravel()
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        finite = np.zeros(0)
        counts, edges = np.zeros(1), np.array([0.0, 0.0])
    else:
        counts, edges = np.histogram(finite, bins)
    content = b"".join(
        [
            wire.double(1, float(finite.min(initial=math.inf)) if finite.size else 0.0),
            wire.double(2, float(finite.max(initial=-math.inf)) if finite.size else 0.0),
            wire.double(3, float(finite.size)),
            wire.double(4, float(finite.sum())),
            wire.double(5, float(finite @ finite)),
            wire.doubles(6, [float(edge) for edge in edges[1:]]),
            wire.doubles(7, [float(count) for count in counts]),
        ]
    )
    return wire.text(1, tag) + wire.message(5, content)


def image(tag: str, pixels: Array) -> bytes:
    """Return an image.

    Parameters
    ----------
    pixels
        Shape (height, width) or (height, width, channels) with 1 to 4 channels; whole numbers
        are 0 to 255, others 0 to 1.

    Raises
    ------
    ValueError
        When it has another shape.
    """
    bytes_of = as_bytes(pixels)
    height, width, channels = bytes_of.shape
    content = (
        wire.integer(1, height)
        + wire.integer(2, width)
        + wire.integer(3, channels)
        + wire.message(4, png(bytes_of))
    )
    return wire.text(1, tag) + wire.message(4, content)


def text(tag: str, words: str) -> bytes:
    """Return a text; TensorBoard shows Markdown, and no HTML."""
    content = wire.integer(1, _STRING) + _shape([1]) + wire.text(8, words[:MAX_TEXT])
    return wire.text(1, tag) + wire.message(8, content) + _plugin("text", b"")


def pr_curve(tag: str, rows: Array) -> bytes:
    """Return a precision-recall curve.

    Parameters
    ----------
    rows
        Shape (6, thresholds), thresholds rising from 0 to 1: true positives, false positives,
        true negatives, false negatives, precision, recall.
    """
    values = np.ascontiguousarray(rows, "<f4")
    tensor = wire.integer(1, _FLOAT) + _shape(values.shape) + wire.message(4, values.tobytes())
    content = wire.integer(2, values.shape[1])
    return wire.text(1, tag) + wire.message(8, tensor) + _plugin("pr_curves", content)


def session_start(params: Mapping[str, Any], group: str, time: float) -> bytes:
    """Return the hyperparameters of a run, as it begins."""
    entries = b"".join(
        wire.message(1, wire.text(1, name) + wire.message(2, _value(value)))
        for name, value in params.items()
    )
    info = entries + wire.text(4, group) + wire.double(5, time)
    return _session("_hparams_/session_start_info", wire.message(3, info))


def session_end(time: float, *, succeeded: bool) -> bytes:
    """Return how a run ended."""
    status = _SUCCESS if succeeded else _FAILURE
    info = wire.integer(1, status) + wire.double(2, time)
    return _session("_hparams_/session_end_info", wire.message(4, info))


def as_bytes(pixels: Array) -> npt.NDArray[np.uint8]:
    """Return pixels as (height, width, channels) of bytes; torch has the channels first."""
    pixels = np.asarray(pixels)
    shaped = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if shaped.ndim == 3 and shaped.shape[0] in (1, 3, 4) and shaped.shape[2] not in _PNG_COLOURS:
        shaped = np.moveaxis(shaped, 0, 2)
    if shaped.ndim != 3 or shaped.shape[2] not in _PNG_COLOURS or 0 in shaped.shape:
        raise ValueError(
            "an image has the shape (height, width), (height, width, channels) or (channels, "
            f"height, width), not {pixels.shape}"
        )
    if shaped.dtype.kind == "f":
        shaped = np.nan_to_num(shaped) * 255.0
    if shaped.dtype.kind == "b":
        shaped = shaped * np.uint8(255)
    return np.clip(shaped, 0, 255).astype(np.uint8)


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return pixels (height, width, channels) as a PNG (ISO/IEC 15948), every row unfiltered."""
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def confusion_pixels(confusion: Sequence[Sequence[int]], side: int = 240) -> Array:
    """Return a confusion matrix as an image: a row a true class, the darker the more of it."""
    counts = np.asarray(confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = max(1, side // len(counts))
    return np.kron(1 - shares, np.ones((cell, cell)))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def _shape(sizes: Sequence[int]) -> bytes:
    return wire.message(2, b"".join(wire.message(2, wire.integer(1, size)) for size in sizes))


def _plugin(name: str, content: bytes) -> bytes:
    return wire.message(9, wire.message(1, wire.text(1, name) + wire.message(2, content)))


def _session(tag: str, content: bytes) -> bytes:
    """A value without a value: its meaning is in the plug-in's content."""
    tensor = wire.integer(1, _FLOAT) + _shape([0])
    return wire.text(1, tag) + wire.message(8, tensor) + _plugin("hparams", content)


def _value(value: Any) -> bytes:
    """A ``google.protobuf.Value``: a number, a truth, or a text."""
    if isinstance(value, bool):
        return wire.integer(4, int(value))
    if isinstance(value, int | float):
        return wire.double(2, float(value))
    return wire.text(3, "" if value is None else str(value))
