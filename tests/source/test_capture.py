"""Capture: what a cell needs of its notebook is found, packed, and is there again in a job."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from aimass_jupyter.source.package import Package, pack_function, pack_script
from aimass_jupyter.source.problems import WrongCode
from tests.source.conftest import Notebook

_IN_A_JOB = """
import json, sys
from pathlib import Path
from aimass_jupyter.source.loading import load_function, open_unpacked
folder = Path(sys.argv[1])
print(json.dumps(load_function(folder, open_unpacked(folder))(None)))
"""


def run_in_a_job(folder: Path) -> object:
    """The function's answer, from a process that has nothing but the package."""
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_JOB, str(folder)],
        capture_output=True, text=True, cwd="/", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_a_cell_uses_travels_and_nothing_else(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    (notebook.folder / "mylib.py").write_text("import inner\ndef twice(x): return inner.two * x\n")
    (notebook.folder / "inner.py").write_text("two = 2\n")
    (notebook.folder / "unused.py").write_text("raise SystemExit\n")
    sys.path.insert(0, str(notebook.folder))
    try:
        notebook.run(
            "import math\nimport numpy as np\nimport mylib\nfrom collections import Counter\n"
            "from dataclasses import dataclass\nfrom functools import wraps\n"
            "secret = object()\nbase = 10\nlimits = {'low': (1, 2)}\n"
        )
        notebook.run(
            "def logged(function):\n    @wraps(function)\n    def inner(*values):\n"
            "        return function(*values)\n    return inner\n"
        )
        notebook.run("@dataclass\nclass Config:\n    size: int = base\n    low: tuple = ()\n")
        notebook.run("class Big(Config):\n    def area(self):\n        return self.size ** 2\n")
        notebook.run("@logged\ndef helper(x):\n    return mylib.twice(x) + math.floor(1.5)\n")
        notebook.run("square = lambda x: x * x\nalso = helper\n")
        notebook.namespace["table"] = pa.table({"a": [1, 2]})
        notebook.namespace["weights"] = np.ones(3)
        cell = (
            "OFFSET = 1\n"
            "def train(run):\n"
            "    count = Counter('aab')\n"
            "    return [also(3), square(3), Big(low=limits['low']).area(), Config().size,\n"
            "            float(np.sum(weights)), table.num_rows, count['a'], OFFSET]\n"
        )
        package = notebook.pack(cell)
    finally:
        sys.path.remove(str(notebook.folder))
        for name in ("mylib", "inner"):
            sys.modules.pop(name, None)
    names = {item.name for item in package.items}
    assert {"cell", "helper", "logged", "Config", "Big", "square", "limits", "mylib.py"} <= names
    assert not {"secret", "unused.py"} & names
    assert run_in_a_job(unpacked(package)) == [7, 9, 100, 10, 3.0, 2, 2, 1]


def test_what_a_decorator_made_an_object_of_travels_as_its_definition(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    notebook.run("from functools import lru_cache, update_wrapper\n")
    notebook.run("@lru_cache(maxsize=None)\ndef power(n):\n    return 2 ** n\n")
    notebook.run(
        "class counted:\n"
        "    def __init__(self, function):\n"
        "        self.calls = 0\n"
        "        update_wrapper(self, function)\n"
        "    def __call__(self, *values):\n"
        "        self.calls += 1\n"
        "        return self.__wrapped__(*values)\n"
    )
    notebook.run("@counted\ndef half(n):\n    return n // 2\n")
    package = notebook.pack("def train(run):\n    return [power(half(8)), half.calls]\n")
    assert run_in_a_job(unpacked(package)) == [16, 1]


def test_a_folder_of_modules_travels_without_init_too(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    (notebook.folder / "steps" / "deep").mkdir(parents=True)
    (notebook.folder / "steps" / "deep" / "clean.py").write_text("def two():\n    return 2\n")
    (notebook.folder / "numpy").mkdir()  # a folder of that name does not hide the package
    cell = "from steps.deep.clean import two\nimport numpy\n"
    package = notebook.pack(cell + "def train(run):\n    return [two(), int(numpy.int8(3))]\n")
    assert [item.name for item in package.items] == ["cell", "steps/deep/clean.py"]
    assert run_in_a_job(unpacked(package)) == [2, 3]


def test_names_may_differ_by_case_alone(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    notebook.run("X, x, LR = [1], 2, 3\nclass Act: size = 4\n")
    notebook.run("def act(n): return n + Act.size\ndef lr(): return LR\ndef ACT(): return 1 / 0\n")
    package = notebook.pack("def train(run):\n    return [X, x, LR, lr(), act(1), ACT.__name__]\n")
    assert run_in_a_job(unpacked(package)) == [[1], 2, 3, 3, 5, "ACT"]


def test_lines_are_those_of_the_cell_with_its_magic(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    from aimass_jupyter.source.loading import load_function, place_of

    notebook.run("\n\ndef helper(x):\n    return 1 / x\n")
    cell = "def train(run):\n    if run:\n        return [][1]\n    helper(0)"
    package = notebook.pack(cell, magic="%%aimass train --np 2")
    folder = unpacked(package)
    function = load_function(folder, package.manifest)
    sys.path.remove(str(folder / "code"))
    with pytest.raises(ZeroDivisionError) as raised:
        function(None)
    assert place_of(raised.value, folder, package.manifest) == "function 'helper' line 2"
    with pytest.raises(IndexError) as raised_here:
        function(True)
    assert place_of(raised_here.value, folder, package.manifest) == "cell line 4"


def train_with(run: object) -> list[int]:
    return [SCALE * value for value in VALUES]


SCALE, VALUES = 3, [1, 2]


def test_a_function_is_given_as_it_is(unpacked: Callable[[Package], Path]) -> None:
    package = pack_function(train_with, root=Path("/nonexistent"))
    assert package.manifest.function == "train_with"
    assert run_in_a_job(unpacked(package)) == [3, 6]


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(WrongCode, match="cannot be trained"):
        pack_function(3)

    def outer() -> object:
        hidden = 1
        return lambda run: hidden

    with pytest.raises(WrongCode, match="lambda that closes over hidden"):
        pack_function(outer())


def test_a_script_takes_the_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("from package.part import x\n")
    (tmp_path / "package/part.py").write_text("import other\nx = 1\n")
    (tmp_path / "other.py").write_text("")
    (tmp_path / "script.py").write_text("import package, json\nopen('out', 'w')\n")
    package = pack_script(tmp_path / "script.py")
    assert set(package.members) == {
        "code/script.py", "code/package/__init__.py", "code/package/part.py", "code/other.py"
    }  # fmt: skip


def test_commit_and_changes_travel_and_untracked_files_do_not(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        me = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *me, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "script.py").write_text("x = 1\n")
    (tmp_path / "old.txt").write_text("some text\nthat moves\n")
    git("init", "--initial-branch", "own")
    git("add", "script.py", "old.txt")
    git("commit", "-m", "first")
    (tmp_path / "script.py").write_text("x = 2\n")
    (tmp_path / "secret.txt").write_text("password")
    (tmp_path / "sub folder").mkdir()
    (tmp_path / "sub folder" / "run.py").write_text("")
    git("add", "sub folder")
    git("mv", "old.txt", "new.txt")
    package = pack_script(tmp_path / "sub folder" / "run.py")
    repository = package.manifest.repository
    assert repository
    assert len(repository.commit) == 40
    assert "+x = 2" in package.members["git.diff"].decode()
    assert sorted(repository.changed) == [
        " M script.py", "?? secret.txt", "A  sub folder/run.py", "R  old.txt -> new.txt"
    ]  # fmt: skip
    assert repository.branch == "own"
    assert b"password" not in package.content


def test_a_large_notebook_is_looked_through_in_time(notebook: Notebook) -> None:
    """The bar is three seconds: a person waits for it before anything is queued."""
    for number in range(300):
        notebook.run(
            f"def helper_{number}(x):\n    return helper_{max(0, number - 1)}(x) + data_{number}\n"
        )
        notebook.namespace[f"data_{number}"] = np.zeros(10_000)
        notebook.namespace[f"frame_{number}"] = pa.table({"a": np.zeros(10_000)})
    began = time.process_time()  # what others have to do here meanwhile does not count
    package = notebook.pack("def train(run):\n    return helper_299(1)")
    took = time.process_time() - began
    assert len(package.items) == 601
    assert took < 3


_OWN = """
import abc, enum, typing
from dataclasses import dataclass, field
class Mode(enum.Enum):
    FAST = 'fast'
class Bits(enum.Flag):
    A = 1
    B = 2
@dataclass(frozen=True, slots=True)
class Inner:
    width: int = 3
    mode: Mode = Mode.FAST
@dataclass
class Config:
    inner: Inner = field(default_factory=Inner)
    sizes: list = field(default_factory=list)
    total: int = field(init=False, default=0)
    def __post_init__(self):
        assert not hasattr(self, 'made'), 'made twice'
        self.made = True
class Pair(typing.NamedTuple):
    x: int
    y: object = None
class Words:
    class Unknown:
        code = 7
    def __init__(self, text):
        self.ids = {w: i for i, w in enumerate(text.split())}
        self.unknown = Words.Unknown()
    def __call__(self, text):
        return [self.ids.get(w, self.unknown.code) for w in text.split()]
conf = Config(sizes=[1, 2])
conf.total = 9
words = Words('a b')
pair = Pair(1, conf)
both = Bits.A | Bits.B
modes = {Mode.FAST: [both]}
"""


def test_objects_of_ones_own_classes_travel_as_what_they_hold(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    (notebook.folder / "settings.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass Settings:\n    lr: float\n"
    )
    notebook.run(_OWN)
    notebook.run(
        "def width(c=conf, mode=conf.inner.mode): return c.inner.width * len(mode.value)\n"
    )
    sys.path.insert(0, str(notebook.folder))
    try:
        notebook.run("from settings import Settings\nsettings = Settings(0.5)\n")
        package = notebook.pack(
            "def train(run):\n"
            "    return [conf.total, conf.sizes, conf.made, width(), words('b c'), pair.y.total,\n"
            "            pair._asdict()['x'], modes[Mode.FAST][0] is both, both.value,\n"
            "            isinstance(conf.inner, Inner), settings.lr]\n"
        )
    finally:
        sys.path.remove(str(notebook.folder))
        sys.modules.pop("settings", None)
    names = {item.name for item in package.items}
    assert {"Config", "Inner", "Mode", "Bits", "Pair", "Words", "settings.py"} <= names
    wanted = [9, [1, 2], True, 12, [1, 7], 9, 1, True, 3, True, 0.5]
    assert run_in_a_job(unpacked(package)) == wanted


def test_what_a_statement_makes_of_definitions_travels_as_its_text(
    notebook: Notebook, unpacked: Callable[[Package], Path]
) -> None:
    notebook.run(
        "import enum, typing\nfrom collections import namedtuple\nfrom functools import partial\n"
        "Pair = namedtuple('Pair', 'x y', defaults=[5]); Mode = enum.Enum('Mode', 'FAST SLOW')\n"
        "T = typing.TypeVar('T')\nSizes: typing.TypeAlias = dict[str, int]\nMaybe = int | None\n"
        "def add(a, b=1): return a + b\nadd_two = partial(add, b=2)\nbase = 4\n"
        "add_base = partial(add, b=base)\nbase = 5\n"
    )
    notebook.run("def first(values: Sizes, other: Maybe, kind: T) -> T: return kind\n")
    notebook.run("pair = Pair(1)\nmode = Mode.SLOW\n")
    package = notebook.pack(
        "def train(run):\n    return [pair.y, mode is Mode.SLOW, first({}, 1, 7), add_two(1)]\n"
    )
    kinds = {item.name: item.kind for item in package.items}
    assert (kinds["Pair"], kinds["T"], kinds["add_two"]) == ("class", "value", "value")
    assert run_in_a_job(unpacked(package)) == [5, True, 7, 3]
    with pytest.raises(WrongCode, match="'add_base' is a partial function"):
        notebook.pack("def train(run):\n    return add_base(1)\n")  # of a value that has changed


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("class Config:\n    pass\n", "'conf' was made of an earlier class 'Config'"),
        ("import io\nconf.sizes = io.StringIO()\n", "'conf' is an open file"),
        ("class Own(dict):\n    pass\nconf = Own()\n", "an object of class __main__.Own"),
        (
            "class Shut:\n    def __reduce__(self):\n        return Shut, ()\nconf = Shut()\n",
            "an object of class __main__.Shut",
        ),
        (
            "def outer():\n    class In:\n        pass\n    return In()\nconf = outer()\n",
            "an object of class __main__.outer.<locals>.In",
        ),
    ],
)
def test_objects_that_hold_more_than_data_are_refused(
    notebook: Notebook, cell: str, said: str
) -> None:
    notebook.run(_OWN)
    notebook.run(cell)
    with pytest.raises(WrongCode) as raised:
        notebook.pack("def train(run):\n    return conf\n")
    assert said in str(raised.value)
