"""A magic's line as words; ``{expr}`` and ``$name`` take Python values from the notebook."""

from __future__ import annotations

import re
import shlex
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean

_EMBEDDED = re.compile(r"{([^{}]+)}")


def split(line: str, namespace: dict[str, Any]) -> list[Any]:
    """The words of a line, as a shell would cut them, with Python values in their place.

    A word that is one ``{expr}`` or ``$name`` becomes the value itself; inside a longer word its
    text is put in. A word that is no Python expression stays as it is written.

    Raises
    ------
    InvalidRequest
        For a quote that does not end, a name that the notebook does not have, or an expression
        that fails.
    """
    return [_value(word, namespace) for word in _cut(line)]


def take_name(words: list[Any]) -> tuple[list[Any], str | None]:
    """The words without ``-o NAME``, and the variable that the answer is to be given to.

    Raises
    ------
    InvalidRequest
        When it is no name for a variable.
    """
    own = words.index("--") if "--" in words else len(words)  # after it, words are a script's own
    if "-o" not in words[:own]:
        return words, None
    place = words.index("-o")
    name = str(words[place + 1]) if place + 1 < own else ""
    if not name.isidentifier():
        raise InvalidRequest(f"-o '{name}' names no variable", "for example: -o job")
    return [*words[:place], *words[place + 2 :]], name


def _cut(line: str) -> list[str]:
    """Cut at spaces outside quotes, brackets and braces."""
    words: list[str] = []
    word, depth, quote = "", 0, ""
    for char in line.strip():
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "{[(":
            depth += 1
        elif char in "}])":
            depth = max(0, depth - 1)
        elif char.isspace() and depth == 0:
            words += [word] if word else []
            word = ""
            continue
        word += char
    if quote:
        raise InvalidRequest(f"the quote {quote} in '{line.strip()[:60]}' does not end", "close it")
    return words + ([word] if word else [])


def _value(word: str, namespace: dict[str, Any]) -> Any:
    if word[:1] in "'\"":
        return _unquoted(word)
    if word.startswith("{") and word.endswith("}"):
        return _evaluate(word, word[1:-1], namespace)
    if word.startswith("$") and word[1:].isidentifier():
        return _look_up(word[1:], namespace)
    option, equals, value = word.partition("=")
    if option.startswith("--") and equals and value.startswith("{"):
        return f"{option}={_value(value, namespace)}"
    if word[:1] in "[(":
        return _literal(word, namespace)
    return _EMBEDDED.sub(lambda m: str(_evaluate(m[0], m[1], namespace)), _unquoted(word))


def _literal(word: str, namespace: dict[str, Any]) -> Any:
    """A list or a bracketed expression; JSON (true, null) is left to the parser as text."""
    try:
        return eval(word, namespace)  # noqa: S307 - the author's own notebook
    except (NameError, SyntaxError):
        return word
    except Exception as error:  # noqa: BLE001 - whatever their expression raises
        raise _failed(word, error) from None


def _evaluate(word: str, expression: str, namespace: dict[str, Any]) -> Any:
    for source in (expression, word):  # {rows} is an expression in braces; {"a": 1} is a dict
        try:
            return eval(source, namespace)  # noqa: S307 - the author's own notebook
        except SyntaxError:
            continue
        except NameError as error:
            name = str(error.name)
            raise InvalidRequest(
                f"{word}: the notebook has no variable '{name}'",
                did_you_mean(name, namespace, "define it in a cell first"),
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever their expression raises
            raise _failed(word, error) from None
    return word


def _failed(word: str, error: Exception) -> InvalidRequest:
    """What the notebook's own Python says, without the way that led here."""
    return InvalidRequest(
        f"{word}: {type(error).__name__}: {error}", "it is Python: try it in a cell of its own"
    )


def _look_up(name: str, namespace: dict[str, Any]) -> Any:
    if name not in namespace:
        raise InvalidRequest(
            f"${name}: the notebook has no variable '{name}'",
            did_you_mean(name, namespace, "define it in a cell first"),
        )
    return namespace[name]


def _unquoted(word: str) -> str:
    """A word without its quotes: ``'a b'``, ``--name='a b'``."""
    return "".join(shlex.split(word)) if "'" in word or '"' in word else word
