"""Mistakes in own code: each is found before anything is queued, with its line and its cure."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.source.package import pack_script, pack_script_text
from aimass_jupyter.source.problems import WrongCode
from tests.source.conftest import Notebook

HEAD = "def train(run):\n"


@pytest.mark.parametrize(
    ("cell", "line", "said", "cure"),
    [
        ("def train(run)\n    pass", 1, "not Python", "look at: def train(run)"),
        ("x = 1\ndef train(run):\n    return await x", 3, "not Python: 'await'", "look at"),
        (HEAD + "    pass\n%matplotlib inline", 3, "'%matplotlib inline' is for", "a cell of"),
        ("!ls\n" + HEAD + "    pass", 1, "'!ls' is for the notebook", "a cell of their own"),
        ("def trian(run):\n    pass", 0, "defines no function 'train'", "did you mean 'trian'?"),
        ("if 1:\n    def train(run):\n        pass", 2, "not at the top", "at the top of the cell"),
        ("def train():\n    pass", 1, "train() must take one argument", "def train(run):"),
        ("def train(run, data):\n    pass", 1, "must take one argument", "run.params"),
        ("async def train(run):\n    pass", 1, "is async", "without async"),
        (HEAD + "    x = 1\n    yield x", 3, "is a generator", "run.log"),
        (HEAD + "    print(learning_rat)", 2, "'learning_rat' is not defined", "'learning_rate'"),
        (HEAD + "    get_ipython().run_cell('')", 2, "a job has no IPython", "leave magics"),
        (HEAD + "    display(1)", 2, "a job shows nothing", "run.log"),
        (HEAD + "    exit()", 2, "no prompt to leave", "return from train"),
        (HEAD + "    import nothing_like_it", 2, "no module 'nothing_like_it'", "pip install"),
        (HEAD + "    import cv2", 2, "no module 'cv2'", "pip install opencv-python"),
        (HEAD + "    import helprs", 2, "no module 'helprs'", "did you mean 'helpers'?"),
        (HEAD + "    from . import helpers", 2, "is relative", "import it by its name"),
        (HEAD + "    open('absent.csv').read()", 2, "no file 'absent.csv'", "--files"),
        (HEAD + "    open('here.csv').read()", 2, "does not travel by itself", "--files here.csv"),
        (HEAD + "    open('/no/such/file')", 2, "no file '/no/such/file'", "name one"),
        (HEAD + "    handle.read()", 2, "'handle' is an open file", "--files"),
        (
            HEAD + "    base.execute('')",
            2,
            "'base' is a connection to a database",
            "connect inside",
        ),
        (HEAD + "    next(numbers)", 2, "'numbers' is a generator", "make a list"),
        (HEAD + "    guard.acquire()", 2, "'guard' is a lock or a thread", "inside train"),
        (HEAD + "    add(1)", 2, "'add' is a lambda that closes over amount", "write it as a def"),
        (HEAD + "    thing.x", 2, "is an object of class", "build it inside train"),
        (HEAD + "    objects.sum()", 2, "array of Python objects", ".astype"),
        (HEAD + "    large.sum()", 2, "'large' has 72,000,000 bytes", "dataset"),
        (HEAD + "    return sum([1])", 2, "'sum' is int", "del sum"),
        (HEAD + "    learning_rate(1)", 2, "value of type float here, and is called", "name the"),
        (HEAD + "    run.log({'loss': 1}, step=2)", 2, "its 'step' twice", "run.log(step, loss"),
        (
            HEAD + "    run.log(2, {'loss': 1})",
            2,
            "takes 1 value without a name, not 2",
            "loss=loss",
        ),
        (HEAD + "    run.dataset.tensor()", 2, "'run.dataset' has no 'tensor'", "'tensors'"),
        (HEAD + "    run.resume(run)", 2, "takes no values without a name", "model=model"),
        (HEAD + "    from numpy.linalg import sovle", 2, "has no 'sovle'", "did you mean 'solve'?"),
        (HEAD + "    import parts.fetures", 2, "'parts' has no module 'fetures'", "'features'"),
        (HEAD + "    run.lgo(1, loss=2)", 2, "'run' has no 'lgo'", "did you mean 'log'?"),
        (HEAD + "    run.log(loss=2)", 2, "run.log() lacks its 'step'", "run.log(step, …)"),
        (HEAD + "    run.rank()", 2, "run.rank is a value", "run.rank"),
        (HEAD + "    run.params.lrr", 2, "option '--lrr' is not given", "did you mean 'lr'?"),
        (HEAD + "    run.params['batch']", 2, "option '--batch' is not given", "--batch VALUE"),
        (HEAD + "    name = input('?')", 2, "nobody to ask", "run.params"),
        (HEAD + "    breakpoint()", 2, "no debugger", "print instead"),
        (HEAD + "    np.arrange(3)", 2, "module 'numpy' has no 'arrange'", "mean 'arange'?"),
        (HEAD + "    np.linalg.nrom([1])", 2, "'numpy.linalg' has no 'nrom'", "mean 'norm'?"),
        (
            "import json as j\n" + HEAD + "    j.dmups(1)",
            3,
            "module 'json' has no 'dmups'",
            "mean 'dumps'?",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_cure(
    notebook: Notebook, cell: str, line: int, said: str, cure: str
) -> None:
    (notebook.folder / "here.csv").write_text("a\n1\n")
    (notebook.folder / "helpers.py").write_text("x = 1\n")
    (notebook.folder / "parts").mkdir()  # without __init__.py
    (notebook.folder / "parts" / "features.py").write_text("x = 1\n")
    notebook.run(
        "learning_rate = 0.1\nsum = 3\nnumbers = (i for i in range(3))\n"
        "def adder(amount):\n    return lambda x: x + amount\nadd = adder(2)\n"
        "thing = object()\n"
    )
    with (notebook.folder / "here.csv").open() as handle, sqlite3.connect(":memory:") as base:
        notebook.namespace |= {
            "handle": handle,
            "base": base,
            "guard": threading.Lock(),
            "objects": np.array([object()]),
            "large": np.zeros(9_000_000),
            "np": np,
        }
        with pytest.raises(WrongCode) as raised:
            notebook.pack(cell, params={"lr": 0.1})
    base.close()
    found = raised.value.details
    assert [f for f in found if said in f["message"] and cure in f["cure"]], raised.value
    wanted = f"cell line {line}" if line else "cell"
    assert any(f["field"] == wanted for f in found if said in f["message"]), found


def test_several_mistakes_are_told_at_once_in_the_order_of_lines(notebook: Notebook) -> None:
    with pytest.raises(WrongCode) as raised:
        notebook.pack("def train(run):\n    a\n    run.lag(1)\n    b")
    lines = raised.value.message.splitlines()
    assert lines[0].startswith("3 mistakes")
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "cell line 2", "cell line 3", "cell line 4"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "line", "said"),
    [
        ("def train(run):\n    history.append(1)", 2, "'history' is changed in the job's copy"),
        ("def train(run):\n    global history\n    history = 2", 2, "copy alone"),
        ("def train(run):\n    history[0] = 1", 2, "copy alone"),
        ("list = [1]\ndef train(run):\n    return list", 1, "hides Python's own list()"),
        ("def train(run):\n    pass\nif __name__ == '__main__':\n    train(1)", 3, "does not run"),
    ],
)
def test_a_doubt_is_a_warning_and_the_code_travels(
    notebook: Notebook, cell: str, line: int, said: str
) -> None:
    notebook.run("history = [0]")
    warnings = notebook.pack(cell).warnings
    assert [w for w in warnings if said in w.message and w.line == line], warnings


@pytest.mark.parametrize(
    "cell",
    [
        "import json\ndef train(run):\n    return json.dumps({'a': [x for x in range(3)]})",
        (
            "def train(run):\n    try:\n        import nothing_like_it\n    except ImportError:\n"
            "        pass"
        ),
        "def helper(n):\n    return helper(n - 1) if n else 0\ndef train(run):\n    helper(3)",
        "class Net:\n    def one(self):\n        return self\ndef train(run, more=1):\n    Net()",
        "def train(run):\n    global made\n    made = 1\n    return made",
        "def train(run):\n    with open('out.txt', 'w') as f:\n        f.write('x')",
        "def train(run):\n    return run.params.get('lr', 0.1), run.size, run.rank",
        (
            "def train(run):\n    def inner():\n        nonlocal x\n        x += 1\n    x = 0\n"
            "    inner()\n    lambda y: y + x\n    print(f'{x=}', __name__)"
        ),
        "import json\ndef train(run):\n    if hasattr(json, 'orjson'):\n        json.orjson(1)",
        (
            "import json\ndef train(run):\n    try:\n        json.orjson(1)\n"
            "    except AttributeError:\n        pass"
        ),
        "import json\ndef work(json):\n    json.orjson\ndef train(run):\n    json.x = 1",
        "import xml\nimport numpy as np\ndef train(run):\n    xml.dom, np.random.rand",
    ],
)
def test_sound_code_is_not_refused(notebook: Notebook, cell: str) -> None:
    assert notebook.pack(cell).warnings == []


@pytest.mark.parametrize(
    ("name", "content", "said", "cure"),
    [
        ("thre.py", None, "there is no file", "did you mean 'there.py'?"),
        ("book.ipynb", "{}", "is a notebook, not a script", "%%aimass train"),
        ("data.csv", "a,b", "is no Python file", "ends with .py"),
        ("wrong.py", "x = 1\nfor", "wrong.py line 2: not Python", "look at"),
        ("asks.py", "x = input()", "asks.py line 1: a job has nobody to ask", "sys.argv"),
        ("bytes.py", b"x = 1\ny = '\xff'", "bytes.py line 2: not Python: it is no UTF-8", "UTF-8"),
        ("reads.py", "open('gone.csv')", "reads.py line 1: there is no file", "--files"),
        ("needs.py", "import broken", "broken.py line 1: not Python", "mend that module"),
        ("lacks.py", "import nothing_like_it", "lacks.py line 1: there is no module", "pip"),
    ],
)
def test_a_script_is_looked_at_too(
    tmp_path: Path, name: str, content: Any, said: str, cure: str
) -> None:
    (tmp_path / "there.py").write_text("")
    (tmp_path / "broken.py").write_text("def")
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidRequest) as raised:
        pack_script(tmp_path / name)
    assert said in raised.value.message
    assert cure in raised.value.hint


def test_a_script_without_a_folder_has_nothing_beside_it() -> None:
    package = pack_script_text("alone.py", b"import json\nimport numpy\nprint(1)\n")
    assert [use.name for use in package.manifest.uses.modules] == ["numpy"]
    assert package.manifest.entry == "alone.py"


def test_files_that_are_named_must_be_there(notebook: Notebook) -> None:
    (notebook.folder / "data").mkdir()
    (notebook.folder / "data" / "a.txt").write_text("a")
    package = notebook.pack("def train(run):\n    pass", files=["data"])
    assert package.members["files/data/a.txt"] == b"a"
    with pytest.raises(InvalidRequest, match="no such file"):
        notebook.pack("def train(run):\n    pass", files=["dta"])
    with pytest.raises(InvalidRequest, match="does not lie in"):
        notebook.pack("def train(run):\n    pass", files=["/etc/hostname"])
