"""Uploads: bytes on their way in. A request names them by id, never by a path."""

from __future__ import annotations

from aimass_jupyter.contract.base import Request, Resource, UtcTime, argument
from aimass_jupyter.contract.operation import Operation


class Upload(Resource):
    """Bytes that were sent and not yet used; they are forgotten after a day."""

    id: str
    filename: str
    digest: str
    size_bytes: int
    created_at: UtcTime


class UploadCreate(Request):
    filename: str = argument(
        help="The name of the file (not a path).", pattern=r"^[^/\\\x00-\x1f]{1,255}$"
    )


OPERATIONS = (
    Operation(
        name="uploads.create",
        method="POST",
        path="/uploads",
        request=UploadCreate,
        response=Upload,
        permission="uploads:create",
        body="bytes",
        help="Send the bytes of a file; other operations name them by the id that comes back.",
        examples=("uploads create --filename sales.csv",),
    ),
)
