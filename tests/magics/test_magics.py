"""The magics in a real kernel without a front end: answers, text views, errors, completion."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server


class Kernel:
    """A kernel that loaded the extension."""

    def __init__(self, server: Server) -> None:
        environment = os.environ | {"AIMASS_DATA": str(server.folder)}
        self.manager, self.client = start_new_kernel(env=environment)
        self.run("%load_ext aimass_jupyter")

    def run(self, code: str) -> dict[str, str]:
        """Run a cell; what it showed, by kind."""
        shown: dict[str, str] = {"text": "", "html": "", "stream": "", "error": ""}

        def hear(message: dict[str, Any]) -> None:
            content, kind = message["content"], message["header"]["msg_type"]
            if kind in ("execute_result", "display_data", "update_display_data"):
                shown["text"] += content["data"].get("text/plain", "")
                shown["html"] += content["data"].get("text/html", "")
            elif kind == "stream":
                shown["stream"] += content["text"]
            elif kind == "error":
                shown["error"] += "\n".join(content["traceback"])

        self.client.execute_interactive(code, output_hook=hear, timeout=120)
        return shown

    def hear_until(self, kind: str) -> None:
        """Read what comes of a cell that runs, up to a message of this kind."""
        while self.client.get_iopub_msg(timeout=60)["header"]["msg_type"] != kind:
            continue

    def complete(self, code: str) -> list[str]:
        reply = self.client.complete(code, len(code), reply=True, timeout=60)
        found: list[str] = reply["content"]["matches"]
        return found

    def complete_with(self, code: str, wanted: str) -> None:
        """Complete until a name is there: a key does not wait for a server that is busy."""
        deadline = time.monotonic() + 60
        while wanted not in self.complete(code):
            assert time.monotonic() < deadline, f"{code} is not completed with {wanted}"

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        self.client.context.destroy()


@pytest.fixture(scope="module")
def kernel(server: Server) -> Iterator[Kernel]:
    kernel = Kernel(server)
    yield kernel
    kernel.close()


def test_the_start_page_says_what_to_try_next(kernel: Kernel) -> None:
    shown = kernel.run("%aimass")
    assert "Try next:\n  %aimass " in shown["text"]
    assert re.search(r"of \d+ slots? in use", shown["text"])
    assert "<code>%aimass help</code>" in shown["html"]


def test_an_answer_is_an_object_with_a_plain_and_a_rich_view(kernel: Kernel, trained: Job) -> None:
    shown = kernel.run("%aimass models")
    assert "iris" in shown["text"]
    assert "<table>" in shown["html"]
    printed = kernel.run("page = %aimass models\nprint(page.items[0])")["stream"]
    assert printed.startswith("model ")
    assert (
        "classification" in kernel.run("page = %aimass models\npage.items[0].latest.task")["text"]
    )


def test_training_shows_a_panel_whose_text_tells_the_end(kernel: Kernel, trained: Job) -> None:
    shown = kernel.run(
        "job = %aimass train --dataset iris --algorithm classification --epochs 2 "
        "--name magic --wait\nprint(job.state, job.model)"
    )
    assert shown["error"] == ""
    assert "succeeded magic@1" in shown["stream"]
    assert "succeeded" in shown["text"]


def test_attach_shows_a_job_again(kernel: Kernel, trained: Job) -> None:
    shown = kernel.run(f"%aimass attach {trained.id}")
    assert "succeeded" in shown["text"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%aimass trian", "did you mean 'train'"),
        ("%aimass train --dataset nothing --algorithm classification", "no dataset 'nothing'"),
        ("%aimass train --dataset iris --algorithm classification --np {ranks}", "'ranks'"),
        ("%aimass train --dataset iris --algorithm classification --np 0", "np"),
        ("%aimass datasets import nothing.csv", "no file 'nothing.csv'"),
        ("%aimass jobs show", "job"),
        ("%aimass models download iris --output /nonexistent/x", "'/nonexistent/x'"),
    ],
)
def test_an_error_is_one_line_and_a_cure_and_no_traceback(
    kernel: Kernel, trained: Job, line: str, said: str
) -> None:
    shown = kernel.run(line)
    assert said in shown["error"]
    assert "Traceback" not in shown["error"]
    assert "File " not in shown["error"]
    assert len(shown["error"].strip().splitlines()) <= 2


def test_completion_in_a_kernel(kernel: Kernel, trained: Job) -> None:
    assert "train" in kernel.complete("%aimass tr")
    kernel.complete_with("%aimass train --dataset ir", "iris")
    kernel.complete_with("%aimass deploy iris@", "iris@production")
    kernel.complete_with("%aimass train --dataset iris --label ", "petal_width")


def test_help_is_text(kernel: Kernel) -> None:
    assert "usage: %aimass train" in kernel.run("%aimass help train")["stream"]
    assert "usage: %aimass deploy" in kernel.run("%aimass deploy --help")["stream"]


def test_importing_the_package_is_light(kernel: Kernel) -> None:
    heavy = "import sys; print([m for m in ('torch', 'pandas', 'sklearn') if m in sys.modules])"
    assert "[]" in kernel.run(heavy)["stream"]


def test_an_interrupt_stops_the_waiting_and_not_the_job(kernel: Kernel, server: Server) -> None:
    with server.client() as client:
        client.datasets.import_("digits")
        line = "train --dataset digits --algorithm classification --epochs 100000 --name long"
        kernel.client.execute(f"job = %aimass {line} --wait")
        deadline = time.monotonic() + 120
        while not any(j.name == "long" and j.state == "running" for j in client.jobs.list().items):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        kernel.hear_until("display_data")  # the panel: from there on it waits
        kernel.manager.interrupt_kernel()
        assert "long" in kernel.run("print(job.name)")["stream"]
        assert client.jobs.show("long").state == "running"
        kernel.run("%aimass stop long")
        assert client.wait("long").state == "stopped"


def test_select_shows_the_panel_that_leads_to_an_endpoint(kernel: Kernel, trained: Job) -> None:
    shown = kernel.run("panel = %aimass select\npanel")
    assert shown["error"] == ""
    assert "iris" in shown["text"]
    assert "%aimass select" in kernel.run("%aimass help")["stream"]


def test_a_job_that_failed_stops_the_notebook_with_its_cause(
    kernel: Kernel, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "one-class.csv"
    path.write_text("x,y\n" + "".join(f"{n},same\n" for n in range(40)))
    with server.client() as client:
        client.datasets.import_(path, label="y")
    shown = kernel.run(
        "%aimass train --dataset one-class --algorithm classification --wait -o ended\n"
        "print('went on')"
    )
    assert "job 'one-class' failed" in shown["error"]
    assert "Traceback" not in shown["error"] + shown["text"]
    assert "went on" not in shown["stream"]
    told = kernel.run("print(ended.state, ended.cause.message)")["stream"]
    assert told.startswith("failed ")
    assert "'y'" in told


MOST_LINES = 6


def test_from_an_own_file_to_an_endpoint_in_six_lines(kernel: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "petals.csv"
    rows = [f"{n % 7},{n % 5},{'long' if n % 7 > 3 else 'short'}" for n in range(120)]
    path.write_text("\n".join(["length,width,kind", *rows, ""]))
    lines = [
        "%load_ext aimass_jupyter",
        f"%aimass datasets import {path} --label kind",
        "%aimass train --dataset petals --algorithm classification --wait",
        "%aimass promote petals",
        "%aimass deploy petals@production",
        """%aimass predict petals '[{"length": 6, "width": 1}]'""",
    ]
    assert len(lines) <= MOST_LINES
    shown = [kernel.run(line) for line in lines]
    assert [each["error"] for each in shown] == [""] * len(lines)
    assert "long" in shown[-1]["text"]
    made = shown[-2]["text"] + shown[-2]["html"]
    assert (
        made.count("print(_.key) shows it, this once") == 2
    )  # the key is not saved with the notebook
    assert "aimk_" not in made
    kernel.run("%aimass endpoints key petals")
    assert kernel.run("print(_.key)")["stream"].startswith("aimk_")
    kernel.run("%aimass endpoints delete petals")
