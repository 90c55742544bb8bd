"""The scripts and styles of the views: sound, alone with the page, and tested by Node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from aimass_jupyter.widgets.assets import ROOM, script, style

HERE = Path(__file__).parent
SCRIPTS = sorted(ROOM.glob("*.js"))
STYLES = sorted(ROOM.glob("*.css"))
ENTRIES = [path.name for path in SCRIPTS if "export default" in path.read_text()]

# What would run text as code or markup, or reach past the widget's comm.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\bfetch\b"
    r"|XMLHttpRequest|WebSocket|EventSource|sendBeacon|localStorage|document\.cookie"
    r"|https?://(?!www\.w3\.org/2000/svg)|\bimport\("
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_puts_text_in_as_text_and_asks_no_host(path: Path) -> None:
    assert FORBIDDEN.findall(path.read_text()) == []


@pytest.mark.parametrize("name", ENTRIES)
def test_a_joined_module_is_sound_and_whole(name: str, node: str, tmp_path: Path) -> None:
    joined = tmp_path / "joined.mjs"
    joined.write_text(script(name))
    subprocess.run([node, "--check", str(joined)], check=True)
    assert not re.search(r"^import ", script(name), re.MULTILINE)
    assert re.findall(r"^export .*", script(name), re.MULTILINE) == ["export default () => {"]


def test_there_are_the_views() -> None:
    assert ENTRIES == [
        "cluster_monitor.js",
        "endpoint_monitor.js",
        "job_monitor.js",
        "model_table.js",
        "predict_form.js",
        "run_compare.js",
        "train_form.js",
    ]


def test_a_joined_module_has_every_part_once() -> None:
    assert script("job_monitor.js").count("function formatNumber(") == 1


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_colours_come_from_the_theme(path: Path) -> None:
    """A colour of our own may only be what a theme variable falls back to."""
    text = re.sub(r"var\(--jp-[\w-]+, [^;]*\);", "", path.read_text())
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", text) == []


def test_styles_are_joined_in_order() -> None:
    joined = style("base.css", "chart.css")
    assert joined.index(".aimass-head") < joined.index(".aimass-plot")


def test_the_pure_functions_of_the_scripts(node: str) -> None:
    """Runs the ``*.test.mjs`` beside this file."""
    files = sorted(map(str, HERE.glob("*.test.mjs")))
    assert files
    argv = [node, "--test", "--test-reporter=tap", *files]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^# pass [1-9]", run.stdout, re.MULTILINE)
