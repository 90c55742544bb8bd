"""An operation: one thing that can be asked, declared once for all five doors."""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin
from urllib.parse import quote

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from aimass_jupyter.contract.errors import InvalidRequest

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Body = Literal["json", "bytes"]
Reply = Literal["json", "bytes", "events"]

_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One verb on one noun.

    Attributes
    ----------
    name
        ``noun.verb``; the server's room of that noun has a method of that verb.
    short
        The short form (``train`` for ``jobs.submit``), or empty.
    path
        Below ``/aimass/api/v1``; ``{field}`` names a field of the request.
    permission
        ``noun:right``; there is no operation without one.
    open_field
        A field (a mapping) that takes options which are not fields themselves.
    safe
        May be sent again as it is, although it is no GET: it changes nothing, or the same thing
        once however often it comes. It is neither audited nor kept for a retry.
    body
        ``bytes``: the request's body is the content, its fields travel in the query.
    reply
        ``bytes``: a download; ``events``: a server-sent event stream.
    """

    name: str
    method: Method
    path: str
    request: type[BaseModel]
    response: type[BaseModel]
    permission: str
    help: str
    examples: tuple[str, ...]
    short: str = ""
    open_field: str = ""
    safe: bool = False
    body: Body = "json"
    reply: Reply = "json"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]+:[a-z]+", self.permission):
            raise ValueError(f"operation '{self.name}' needs a permission such as 'jobs:read'")
        missing = set(self.path_fields) - set(self.request.model_fields)
        if missing:
            raise ValueError(f"operation '{self.name}' has no field for {sorted(missing)}")

    @property
    def noun(self) -> str:
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.partition(".")[2]

    @property
    def path_fields(self) -> list[str]:
        """The fields that are part of the path."""
        return _PARAMETER.findall(self.path)

    @property
    def fields(self) -> dict[str, FieldInfo]:
        return dict(self.request.model_fields)

    @property
    def positionals(self) -> list[str]:
        """The fields that may be given without their name, in their order."""
        return [name for name, field in self.fields.items() if marks(field).get("x-positional")]

    @property
    def changes(self) -> bool:
        """Whether it changes anything (and so takes an idempotency key)."""
        return self.method != "GET" and not self.safe

    @property
    def queues(self) -> bool:
        """Whether it makes a job, which may be followed to its end."""
        return self.method == "POST" and self.response.__name__ == "Job" and self.verb != "stop"

    @property
    def takes_json(self) -> bool:
        """Whether its fields travel in the body."""
        return self.method not in ("GET", "DELETE") and self.body == "json"

    def path_for(self, arguments: dict[str, Any]) -> str:
        """The path with the values of ``arguments`` in it, percent-encoded.

        Raises
        ------
        InvalidRequest
            When a value would make another path of it.
        """
        for field in self.path_fields:
            if str(arguments[field]) in ("", ".", ".."):
                raise InvalidRequest(
                    f"'{arguments[field]}' is no name for '{field}'",
                    f"for example: {self.examples[0]}",
                )
        return _PARAMETER.sub(lambda m: quote(str(arguments[m[1]]), safe=""), self.path)


def marks(field: FieldInfo) -> dict[str, Any]:
    """What :func:`~aimass_jupyter.contract.base.argument` noted on a field."""
    extra = field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def choices(field: FieldInfo) -> list[str]:
    """The values that a field may have, when they are few."""
    found: list[str] = []
    for part in parts(field.annotation):
        if get_origin(part) is Literal:
            found += [str(value) for value in get_args(part)]
    return found


def parts(annotation: Any) -> list[Any]:
    """The members of a union, and of unions in it."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for part in get_args(annotation) for inner in parts(part)]
    return [annotation]
