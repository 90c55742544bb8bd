"""The operation table: every operation there is, in the order in which help shows them."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_jupyter.contract import (
    algorithms,
    clusters,
    datasets,
    endpoints,
    events,
    job_operations,
    models,
    runs,
    services,
    system,
    tracked,
    uploads,
)
from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean
from aimass_jupyter.contract.operation import Operation

API_ROOT = "/aimass/api/v1"


class OperationTable:
    """Operations by name and by short form."""

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self._by_name = {operation.name: operation for operation in operations}
        self._by_short = {operation.short: operation for operation in operations if operation.short}

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Operation:
        return self._by_name[name]

    def add(self, operation: Operation) -> None:
        """Declare one more operation (an extension's, say)."""
        self._by_name[operation.name] = operation
        if operation.short:
            self._by_short[operation.short] = operation

    def remove(self, name: str) -> None:
        """Take an operation away again."""
        operation = self._by_name.pop(name)
        self._by_short.pop(operation.short, None)

    @property
    def nouns(self) -> dict[str, list[Operation]]:
        """The operations of each noun."""
        nouns: dict[str, list[Operation]] = {}
        for operation in self:
            nouns.setdefault(operation.noun, []).append(operation)
        return nouns

    @property
    def shorts(self) -> dict[str, Operation]:
        """The operations that have a short form, by it."""
        return dict(self._by_short)

    def match(self, words: list[str]) -> tuple[Operation, list[str]]:
        """Find the operation that a command line begins with, and what is left of the line.

        Raises
        ------
        InvalidRequest
            When the words name no operation.
        """
        if len(words) > 1 and (operation := self._by_name.get(f"{words[0]}.{words[1]}")):
            return operation, words[2:]
        if words and (operation := self._by_short.get(words[0])):
            return operation, self._rest(operation, words)
        raise self._unknown(words)

    def _rest(self, operation: Operation, words: list[str]) -> list[str]:
        """A noun that is a short form too (``models``) is not followed by an unknown verb."""
        rest = words[1:]
        if words[0] in self.nouns and rest and not rest[0].startswith("-"):
            raise self._unknown(words)
        return rest

    def _unknown(self, words: list[str]) -> InvalidRequest:
        if words and words[0] in self.nouns:
            verbs = [operation.verb for operation in self.nouns[words[0]]]
            wrong = words[1] if len(words) > 1 else ""
            message = (
                f"'{words[0]}' has no verb '{wrong}'" if wrong else f"'{words[0]}' needs a verb"
            )
            return InvalidRequest(message, did_you_mean(wrong, verbs))
        wrong = words[0] if words else ""
        known = [*self.nouns, *self._by_short]
        return InvalidRequest(
            f"there is no verb '{wrong}'", did_you_mean(wrong, known, "try: help")
        )


OPERATIONS = OperationTable(
    datasets.OPERATIONS
    + algorithms.OPERATIONS
    + job_operations.OPERATIONS
    + runs.OPERATIONS
    + tracked.OPERATIONS
    + models.OPERATIONS
    + endpoints.OPERATIONS
    + services.OPERATIONS
    + clusters.OPERATIONS
    + events.OPERATIONS
    + uploads.OPERATIONS
    + system.OPERATIONS
)
