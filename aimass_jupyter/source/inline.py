"""A small package as text: it travels with the request for its job, which saves an upload.

The text is a ``data:`` address (RFC 2397).
"""

from __future__ import annotations

import base64
import binascii

from aimass_jupyter.contract.errors import InvalidRequest

MAX_INLINE_BYTES = 256 * 1024  # as text they fit what ``jobs submit`` takes
_PREFIX = "data:application/zip;base64,"


def is_inline(source: str) -> bool:
    """Whether it is a package itself rather than the name of one."""
    return source.startswith("data:")


def as_text(content: bytes) -> str:
    """A package as text; who sends it sees to it that it is small."""
    return _PREFIX + base64.b64encode(content).decode("ascii")


def content_of(source: str) -> bytes:
    """The bytes of such a text.

    Raises
    ------
    InvalidRequest
        When it is none that :func:`as_text` made.
    """
    if not source.startswith(_PREFIX):
        raise InvalidRequest(
            f"'{source[:60]}' is no package of own code", f"as text it begins with {_PREFIX}"
        )
    try:
        return base64.b64decode(source.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            f"the package of own code cannot be read: {error}", "encode its bytes as base64"
        ) from None
