"""Steps of set-up: skipped when done, run again when changed, resumed when cut off."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from provision.layout import Layout
from provision.programs import Programs, Screen
from provision.steps import Runner, Step, StepFailed, digest


class Bench:
    """A checkout folder, a screen that keeps what it shows, and steps that count their runs."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.shown = io.StringIO()
        self.ran: list[str] = []
        self.resumed: list[bool] = []
        self.source = root / "source.txt"
        self.product = root / "product.txt"

    def act(self, name: str) -> Callable[[Programs], str]:
        def run(programs: Programs) -> str:
            self.ran.append(name)
            self.resumed.append(programs.resumed)
            self.product.write_text("made")
            return f"{name} came out"

        return run

    def step(self, name: str, act: Callable[[Programs], str] | None = None) -> Step:
        return Step(
            name=name,
            does=f"doing {name}",
            takes="no time",
            inputs=lambda: ["a word", self.source],
            act=act or self.act(name),
            makes=(self.product,),
            cure="turn it off and on",
        )

    def run(self, *steps: Step) -> None:
        Runner(self.layout, Screen(self.shown), {"PATH": "/usr/bin:/bin"}).run(steps)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_done_step_is_skipped_and_says_what_came_out(bench: Bench) -> None:
    bench.run(bench.step("one"), bench.step("two"))
    bench.run(bench.step("one"), bench.step("two"))
    assert bench.ran == ["one", "two"]
    assert "[2/2] two: done already: two came out" in bench.shown.getvalue()


def test_a_changed_input_runs_the_step_again(bench: Bench) -> None:
    bench.source.write_text("first")
    bench.run(bench.step("one"))
    bench.source.write_text("second")
    bench.run(bench.step("one"))
    assert bench.ran == ["one", "one"]


def test_a_missing_product_runs_the_step_again(bench: Bench) -> None:
    bench.run(bench.step("one"))
    bench.product.unlink()
    bench.run(bench.step("one"))
    assert bench.ran == ["one", "one"]


def test_a_damaged_stamp_counts_as_not_done(bench: Bench) -> None:
    bench.run(bench.step("one"))
    (bench.layout.stamps / "one.json").write_text("")
    bench.run(bench.step("one"))
    assert bench.ran == ["one", "one"]


def test_what_was_cut_off_is_told_so_when_it_runs_again(bench: Bench) -> None:
    def cut_off(programs: Programs) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.step("one"), bench.step("two", cut_off))
    bench.run(bench.step("one"), bench.step("two"))
    assert bench.ran == ["one", "two"]
    assert bench.resumed == [False, True]


def test_a_failed_step_shows_the_end_of_its_log_and_the_cure(bench: Bench) -> None:
    def fail(programs: Programs) -> str:
        programs.run(sys.executable, "-c", "print('no such wheel'); raise SystemExit(7)")
        return "unreachable"

    with pytest.raises(StepFailed) as failure:
        bench.run(bench.step("one"), bench.step("two", fail))
    assert "ended with 7" in str(failure.value)
    assert "| no such wheel" in str(failure.value)
    assert "turn it off and on" in str(failure.value)

    bench.run(bench.step("one"), bench.step("two"))
    assert bench.ran == ["one", "two"]
    assert bench.resumed == [False, False]  # it ended by itself, so nothing is half written


def test_a_step_that_makes_the_environment_anew_is_still_recorded(bench: Bench) -> None:
    def make_anew(programs: Programs) -> str:
        for stamp in bench.layout.stamps.iterdir():
            stamp.unlink()
        bench.layout.stamps.rmdir()
        return bench.act("one")(programs)

    bench.run(bench.step("one", make_anew))
    bench.run(bench.step("one", make_anew))
    assert bench.ran == ["one"]


def test_the_digest_of_a_folder_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.ts").write_text("1")
    before = digest([tmp_path])
    assert digest([tmp_path]) == before
    (tmp_path / "sub" / "a.ts").rename(tmp_path / "sub" / "b.ts")
    renamed = digest([tmp_path])
    assert renamed != before
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("2")
    assert digest([tmp_path]) == renamed


def test_the_digest_keeps_words_apart() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])
