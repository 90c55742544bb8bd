"""Names that a script uses and does not have: mistakes, doubts, and what nothing is said of."""

from __future__ import annotations

import ast

import pytest

from aimass_jupyter.source.package import pack_script_text
from aimass_jupyter.source.problems import Problem, WrongCode
from aimass_jupyter.source.script_names import undefined_names


def found(text: str) -> list[Problem]:
    return undefined_names(text, ast.parse(text), "run.py")


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("import sys\nprint(gone)", 2),
        ("def main():\n    x = 1\n    gone(x)\n\nmain()", 3),
        ("def main():\n    gone()\n\nif __name__ == '__main__':\n    main()", 2),
        ("def a():\n    return gone\ndef b():\n    return a()\nprint(b())", 2),
        ("with open(__file__) as f:\n    gone(f)", 2),
        ("for x in gone:\n    pass", 1),
        ("import sys\ndef main():\n    return gone\nsys.exit(main())", 3),
        ("@gone\ndef f(): pass", 1),
    ],
)
def test_what_every_run_reaches_is_a_mistake(script: str, line: int) -> None:
    (problem,) = found(script)
    assert (str(problem), problem.warning) == (f"run.py line {line}: name 'gone' is not defined", 0)


@pytest.mark.parametrize(
    "script",
    [
        "def never():\n    gone()",
        "import sys\nif sys.argv[1:]:\n    gone()",
        "import sys\nif not sys.argv[1:]:\n    sys.exit(1)\ngone()",
        "def main():\n    for x in ():\n        return\n    gone()\nmain()",
        "f = lambda: gone\nx = f and gone",
        "def f():\n    gone = 1\n    return gone\ndef g():\n    return gone\nf()",
        "print([gone for gone in ()])\ndef g():\n    return gone",
    ],
)
def test_what_a_run_may_pass_by_is_a_doubt(script: str) -> None:
    assert [problem.warning for problem in found(script)] == [True]


@pytest.mark.parametrize(
    "script",
    [
        "try:\n    unicode\nexcept NameError:\n    unicode = str\nprint(unicode)",
        "try:\n    text = raw_input\nexcept NameError:\n    text = input",
        "import sys\nif sys.version_info < (3,):\n    xrange(3)",
        "from os.path import *\njoin('a', 'b')",
        "exec('made = 1')\nprint(made)",
        "globals()['made'] = 1\nprint(made)",
        "def f():\n    global made\n    made = 1\nf()\nprint(made)",
        "from __future__ import annotations\ndef f(x: Later) -> Later:\n    return x\nf(1)",
        "print(__file__, __name__, __spec__)\nexit()",
        "class A:\n    x = 1\n    def f(self): return self.x\nprint(A().f(), [y for y in (1,)])",
        "import numpy.linalg as la\nprint(la, {k: v for k, v in {}.items()}, (n := 1), n)",
        "def later():\n    return gone\nx = " + "+".join(["1"] * 1500),
        "match 1:\n    case [a, *b]: print(a, b)\n    case {'k': c, **d}: print(c, d)",
    ],
)
def test_names_that_a_script_may_have_are_left_alone(script: str) -> None:
    assert found(script) == []


def test_a_script_is_refused_with_the_nearest_name_or_goes_with_a_doubt() -> None:
    with pytest.raises(WrongCode, match="name 'optimzer' is not defined") as raised:
        pack_script_text("run.py", b"optimizer = 1\nprint(optimzer)")
    assert raised.value.hint == "did you mean 'optimizer'?"
    package = pack_script_text("run.py", b"def later():\n    return gone\n")
    assert [str(doubt) for doubt in package.warnings] == [
        "run.py line 2: name 'gone' is not defined"
    ]
