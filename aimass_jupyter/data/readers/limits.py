"""The limits of what is read, and the errors that name them."""

from __future__ import annotations

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge

MAX_COLUMNS = 10_000
MAX_TABLE_BYTES = 16 * 1024**3
MAX_NAME_LENGTH = 256


def check_columns(filename: str, count: int) -> None:
    """Refuse tables of too many columns.

    Raises
    ------
    TooLarge
        When there are more than ``MAX_COLUMNS``.
    """
    if count > MAX_COLUMNS:
        raise TooLarge(
            f"{filename} has {count:,} columns, over the limit of {MAX_COLUMNS:,}",
            "leave out the columns that no model should learn from",
        )


def check_bytes(filename: str, size: int) -> None:
    """Refuse tables that would not fit, before any memory is taken.

    Raises
    ------
    TooLarge
        When the values take more than ``MAX_TABLE_BYTES``.
    """
    if size > MAX_TABLE_BYTES:
        raise TooLarge(
            f"{filename} unpacks to {size:,} bytes, over the limit of {MAX_TABLE_BYTES:,}",
            "import a part of the rows",
        )


def check_names(filename: str, names: list[str]) -> None:
    """Refuse tables whose columns cannot be told apart or written down.

    Raises
    ------
    InvalidRequest
        When a name is empty, too long, repeated, or holds control characters.
    """
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name in seen:
            raise InvalidRequest(
                f"{filename} has two columns named '{name}' (columns {seen[name]} and {place})",
                "rename one of them",
            )
        if not name:
            raise InvalidRequest(
                f"{filename}: column {place} has no name",
                "give it one, or save without the row numbers (in pandas: index=False)",
            )
        if len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise InvalidRequest(
                f"{filename}: the name of column {place} is not a line of at most "
                f"{MAX_NAME_LENGTH} characters: {name[:40]!r}",
                "rename it",
            )
        seen[name] = place


def unreadable(filename: str, form: str, reason: object) -> InvalidRequest:
    """The error for a file that is damaged, in the words of the library that read it."""
    detail = str(reason).strip().splitlines()[0] if str(reason).strip() else "no reason given"
    return InvalidRequest(
        f"{filename} cannot be read as {form}: {detail}", "check that the file is whole"
    )
