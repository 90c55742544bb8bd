"""ES modules and style sheets of the views, joined from the files beside this one.

A widget travels as one module, so a module's own imports are put in front of it. This reads
files of this room; it compiles nothing and fetches nothing.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOM = Path(__file__).parent

_IMPORT = re.compile(r"^import \{[^}]*\} from '\./(?P<file>[a-z_]+\.js)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) )", re.MULTILINE)


@cache
def script(name: str) -> str:
    """Return a module and all that it imports as one module.

    Imports must be of the form ``import { a, b } from './file.js';`` without renaming, and names
    at the top of the files must differ: they share one scope. JavaScript refuses a module in
    which two are equal, and a test has Node read the result.
    """
    return "\n".join(_scripts(name, set()))


def _scripts(name: str, seen: set[str]) -> list[str]:
    """The sources a module needs, those it imports first, each once."""
    seen.add(name)
    source = (ROOM / name).read_text(encoding="utf-8")
    needed = [match["file"] for match in _IMPORT.finditer(source)]
    parts = [part for file in needed if file not in seen for part in _scripts(file, seen)]
    return [*parts, _EXPORT.sub("", _IMPORT.sub("", source))]


@cache
def style(*names: str) -> str:
    """Return style sheets joined in their order."""
    return "\n".join((ROOM / name).read_text(encoding="utf-8") for name in names)
