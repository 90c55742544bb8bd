"""Images as Arrow columns: always (channels, height, width), of uint8 or float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aimass_jupyter.contract.errors import InvalidRequest

Array = npt.NDArray[Any]

CHANNELS = (1, 3, 4)


def as_images(what: str, values: Array) -> pa.FixedShapeTensorArray:
    """Return arrays as a column of images.

    Parameters
    ----------
    what
        What errors call them.
    values
        (rows, height, width), (rows, channels, height, width) or (rows, height, width, channels).

    Raises
    ------
    InvalidRequest
        When the shape is none of these, or a value is no number.
    """
    return pa.FixedShapeTensorArray.from_numpy_ndarray(
        np.ascontiguousarray(_pixels(what, _channels_first(what, values)))
    )


def _channels_first(what: str, values: Array) -> Array:
    if values.ndim == 3:
        return values[:, np.newaxis]
    if values.ndim == 4 and values.shape[1] in CHANNELS:
        return values
    if values.ndim == 4 and values.shape[3] in CHANNELS:
        return values.transpose(0, 3, 1, 2)
    shape = "×".join(map(str, values.shape[1:]))
    raise InvalidRequest(
        f"{what} has rows of the shape {shape}, which is no image",
        "give height×width, or 1, 3 or 4 channels first or last",
    )


def _pixels(what: str, values: Array) -> Array:
    if values.size == 0:
        raise InvalidRequest(f"{what} holds no pixels")
    kind = values.dtype.kind
    if kind == "b" or (kind in "iu" and values.min() >= 0 and values.max() <= 255):
        return values.astype(np.uint8)
    if kind in "iuf":
        return values.astype(np.float32)
    raise InvalidRequest(f"{what} holds {values.dtype}, not numbers", "save pixels as numbers")
