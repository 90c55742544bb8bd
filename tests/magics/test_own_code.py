"""``%%aimass train`` in a real kernel: a cell becomes a job, or is told what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server
from tests.magics.test_magics import Kernel


@pytest.fixture(scope="module")
def kernel(server: Server, trained: Job) -> Iterator[Kernel]:
    kernel = Kernel(server)
    yield kernel
    kernel.close()


@pytest.mark.slow
def test_a_cell_trains_with_what_it_needs_of_the_notebook(kernel: Kernel) -> None:
    kernel.run("import math\nfrom dataclasses import dataclass\nlimits = {'a': (1, 2)}")
    kernel.run(
        "@dataclass\nclass Config:\n    size: int = 3\n\ndef area(c):\n    return c.size ** 2"
    )
    shown = kernel.run(
        "%%aimass train --dataset iris --rate 0.5 --name celled --wait -o job\n"
        "def train(run):\n"
        "    run.log(0, loss=area(Config()) + run.params.rate + math.floor(limits['a'][1]))\n"
    )
    assert shown["error"] == ""
    listed = shown["stream"].split()
    assert {"cell", "Config", "area", "math", "limits"} <= set(listed)
    told = kernel.run("print(job.state, job.metrics, job.params, job.source.kind)")["stream"]
    assert "succeeded {'loss': 11.5} {'rate': 0.5} function" in told
    again = kernel.run("%aimass rerun celled --wait -o again\nagain.metrics == job.metrics")
    assert again["text"].endswith("True")
    assert "def train(run)" in kernel.run("%aimass inputs celled")["text"]


def test_mistakes_are_lines_and_nothing_is_queued(kernel: Kernel) -> None:
    before = kernel.run("c = %aimass jobs\nprint(len(c.items))")["stream"]
    shown = kernel.run(
        "%%aimass train --np 2\ndef train(run):\n    print(limts)\n    run.lgo(1)\n"
        "    display(1)\n    get_ipython()"
    )
    assert "4 mistakes; nothing was queued" in shown["error"]
    assert "cell line 5: a job shows nothing → print it" in shown["error"]
    assert "cell line 6: a job has no IPython → leave magics" in shown["error"]
    assert "cell line 3: name 'limts' is not defined → did you mean 'limits'?" in shown["error"]
    assert "cell line 4: 'run' has no 'lgo' → did you mean 'log'?" in shown["error"]
    assert "Traceback" not in shown["error"]
    assert kernel.run("c = %aimass jobs\nprint(len(c.items))")["stream"] == before


def test_a_question_mark_asks_for_help(kernel: Kernel) -> None:
    for line in ("%aimass train?", "%aimass jobs submit ?", "%aimass help train"):
        assert "usage: %aimass train" in kernel.run(line)["stream"], line
    assert "there is no run 'why?'" in kernel.run("%aimass runs show 'why?'")["error"]


def test_a_cell_below_another_verb_is_refused(kernel: Kernel) -> None:
    assert "%%aimass train" in kernel.run("%%aimass models\nx = 1")["error"]
    assert "names no variable" in kernel.run("%aimass models -o 1x")["error"]
    kernel.run("%aimass models -o kept")
    assert "Page" in kernel.run("print(type(kept).__name__)")["stream"]
