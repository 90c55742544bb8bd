"""The bases of every model, and how a field tells the faces what it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

T = TypeVar("T")

MAX_PAGE = 500
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

_OF_ANY_MODEL = {name for name in dir(BaseModel) if not name.startswith("_")}

UtcTime = Annotated[
    datetime,
    PlainSerializer(
        lambda t: t.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        return_type=str,
        when_used="json",
    ),
]
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=64)]
Tag = Annotated[str, Field(min_length=1, max_length=64)]


class Request(BaseModel):
    """What is sent. Unknown fields are refused, so that a typo is never silently dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=100_000)


class Resource(BaseModel):
    """What is answered. Unknown fields are let go, so that an older client reads a newer server.

    A client may give an answer the verbs of its noun as methods, in ``_verbs``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    if not TYPE_CHECKING:  # a checker shall still find a property that is misspelt

        def __getattr__(self, name: str) -> Any:
            verbs = self.__dict__.get("_verbs", ())
            return verbs[name] if name in verbs else super().__getattr__(name)

    def __str__(self) -> str:
        verbs = self.__dict__.get("_verbs")
        if verbs is None:
            return super().__str__()
        return str(verbs.text(self))  # of a client, which knows how people read it

    def __dir__(self) -> list[str]:
        """Fields and verbs: what helps a person who presses Tab, and not how they are checked."""
        own = set(super().__dir__()) - _OF_ANY_MODEL
        return [*own, *self.__dict__.get("_verbs", ())]


class Page(Resource, Generic[T]):
    """One page of a listing; ``next_token`` asks for the page after it, None ends it."""

    items: list[T]
    next_token: str | None = None


class PageRequest(Request):
    """What every listing takes."""

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Items on a page.")
    next_token: str | None = Field(None, description="Where the page before this one ended.")


class Done(Resource):
    """The answer of a deletion: what is gone."""

    id: str
    freed_bytes: int = 0


Completes = Literal[
    "datasets",
    "algorithms",
    "jobs",
    "runs",
    "experiments",
    "models",
    "endpoints",
    "services",
    "clusters",
    "engines",
]


def secret(description: str) -> Any:
    """A response field that is shown once: it is never stored, and faces offer to copy it."""
    return Field(None, description=description, json_schema_extra={"x-secret": True})


def secrets(answer: Resource) -> list[str]:
    """The fields of an answer that are set and shown once."""
    fields = type(answer).model_fields.items()
    marked = [name for name, field in fields if _is_secret(field.json_schema_extra)]
    return [name for name in marked if getattr(answer, name)]


def _is_secret(extra: Any) -> bool:
    return isinstance(extra, dict) and bool(extra.get("x-secret"))


def argument(
    default: Any = ...,
    *,
    help: str,
    positional: bool = False,
    completes: Completes | None = None,
    file: bool = False,
    group: str | None = None,
    **constraints: Any,
) -> Any:
    """A request field, with what the faces need to know of it.

    Parameters
    ----------
    positional
        May be given without its name in the magic and the CLI.
    completes
        The names that complete it.
    file
        Holds an upload id; a face takes a path, sends the bytes and puts the id in its place.
    group
        Forms fold it under this name; what most people set has none.
    """
    marks: dict[str, Any] = {}
    if positional:
        marks["x-positional"] = True
    if completes:
        marks["x-completes"] = completes
    if file:
        marks["x-file"] = True
    if group:
        marks["x-group"] = group
    return Field(default, description=help, json_schema_extra=marks or None, **constraints)
