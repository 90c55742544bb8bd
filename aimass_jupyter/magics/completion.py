"""Completion of verbs, options, choices and the names of what exists."""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher
from pydantic.fields import FieldInfo

from aimass_jupyter.client.command_line import face_options
from aimass_jupyter.contract.algorithms import ALGORITHMS
from aimass_jupyter.contract.base import MAX_PAGE
from aimass_jupyter.contract.errors import AimassError, InvalidRequest
from aimass_jupyter.contract.operation import Operation, choices, marks
from aimass_jupyter.contract.table import OPERATIONS

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from aimass_jupyter.client.client import Client
    from aimass_jupyter.magics.magic import AimassMagics

CACHE_SECONDS = 5.0
#: How long a key waits for the control plane; what is shown beside it takes little more.
WAIT_SECONDS = 0.06
#: A kind of names: this, and a dataset.
COLUMNS_OF = "columns of "
#: A word that needs no quotes.
_PLAIN = re.compile(r"""^[^\s'"{}$\\]+$""")
_LINE = re.compile(r"^%{1,2}aimass\s+(.*)$", re.DOTALL)


def complete_with(shell: InteractiveShell, magics: AimassMagics) -> None:
    """Add a matcher for lines that begin with ``%aimass``."""
    names = Names(names_at(lambda: magics.client))

    @context_matcher()  # type: ignore[untyped-decorator]
    def aimass_matcher(context: Any) -> dict[str, Any]:
        found = _LINE.match(context.line_with_cursor.lstrip()) if context.cursor_line >= 0 else None
        matches = complete(found[1], names.of) if found else []
        return {
            "completions": [SimpleCompletion(text=text, type="aimass") for text in matches],
            "matched_fragment": found[1].rsplit(" ", 1)[-1] if found else "",
            "suppress": bool(found),
        }

    shell.Completer.custom_matchers.append(aimass_matcher)


def complete(line: str, names_of: Callable[[str], Iterable[str]]) -> list[str]:
    """What may stand where a line ends.

    Parameters
    ----------
    line
        What follows ``%aimass``, up to the cursor.
    names_of
        The names that exist of a kind: datasets, models, …
    """
    *before, last = line.split(" ")
    words = [word for word in before if word]
    candidates = set(_candidates(words, last, names_of))
    return sorted(word for word in candidates if word.startswith(last))


def _candidates(
    words: list[str], last: str, names_of: Callable[[str], Iterable[str]]
) -> Iterable[str]:
    if not words or words == ["help"]:
        return [*OPERATIONS.shorts, *OPERATIONS.nouns, "help", "select"]
    if len(words) == 1 and words[0] in OPERATIONS.nouns and not last.startswith("-"):
        return [operation.verb for operation in OPERATIONS.nouns[words[0]]]
    try:
        operation, rest = OPERATIONS.match(words)
    except InvalidRequest:
        return []
    option, sign, _ = last.partition("=")
    if sign and option.startswith("--"):
        return [f"{option}={value}" for value in _values(operation, option, words, names_of)]
    if rest and rest[-1].startswith("--"):
        return _values(operation, rest[-1], words, names_of)
    if last.startswith("-") or not operation.positionals:
        return _options(operation, words)
    first = _values(operation, operation.positionals[0], words, names_of)
    return [*first, *_options(operation, words)]


def _options(operation: Operation, words: list[str]) -> list[str]:
    names = [*operation.fields, *face_options(operation)]
    names += [name for fields in _hyperparameters(operation, words) for name in fields]
    return [option for name in names if (option := "--" + name.replace("_", "-")) not in words]


def _hyperparameters(operation: Operation, words: list[str]) -> list[dict[str, FieldInfo]]:
    """What the algorithm that the line names can be told, else what any can."""
    if not operation.open_field:
        return []
    chosen = [ALGORITHMS[word] for word in words if word in ALGORITHMS] or ALGORITHMS.values()
    return [algorithm.hyperparameters.model_fields for algorithm in chosen]


def _values(
    operation: Operation, option: str, words: list[str], names_of: Callable[[str], Iterable[str]]
) -> Iterable[str]:
    name = option.removeprefix("--").replace("-", "_")
    schema = operation.fields.get(name)
    if schema is None:
        fields = [each[name] for each in _hyperparameters(operation, words) if name in each]
        return [value for field in fields for value in choices(field)]
    if name == "label" and "--dataset" in words[:-1]:
        dataset = words[words.index("--dataset") + 1]
        columns = names_of(COLUMNS_OF + dataset)
        return [one if _PLAIN.match(one) else shlex.quote(one) for one in columns]
    kind = marks(schema).get("x-completes")
    return choices(schema) or (names_of(str(kind)) if kind else [])


class Names:
    """The names of what exists, asked of the control plane at most every few seconds.

    Asking is a thread's work: who types waits for it a moment, and has what was known before when
    the answer takes longer. What comes late is there at the next key.

    Parameters
    ----------
    ask
        Reads the names of a kind; raises when the control plane does not answer.
    """

    def __init__(self, ask: Callable[[str], list[str]]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._asking: dict[str, threading.Thread] = {}

    def of(self, kind: str) -> list[str]:
        """The names of a kind; the last known ones while the control plane does not answer."""
        if kind == "algorithms":
            return list(ALGORITHMS)
        asked, _ = self._known.get(kind, (-CACHE_SECONDS, []))
        if time.monotonic() - asked >= CACHE_SECONDS:
            thread = self._asking.get(kind)
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=self._look, args=(kind,), daemon=True)
                self._asking[kind] = thread
                thread.start()
            thread.join(WAIT_SECONDS)
        return self._known.get(kind, (0.0, []))[1]

    def _look(self, kind: str) -> None:
        try:
            names = self._ask(kind)
        except (AimassError, AttributeError):
            names = self._known.get(kind, (0.0, []))[1]
        self._known[kind] = (time.monotonic(), names)


def names_at(client: Callable[[], Client]) -> Callable[[str], list[str]]:
    """What reads the names of a kind at the control plane; models come with their aliases."""

    def ask(kind: str) -> list[str]:
        if kind.startswith(COLUMNS_OF):
            dataset = client().datasets.show(dataset=kind.removeprefix(COLUMNS_OF))
            return [column.name for column in dataset.latest.columns]
        page = getattr(client(), kind).list(limit=MAX_PAGE)
        names = list(dict.fromkeys(item.name for item in page.items))
        return names + [
            f"{item.name}@{alias}" for item in page.items for alias in getattr(item, "aliases", {})
        ]

    return ask
