"""From an address to a usable panel in JupyterLab, beside plain Lab; and the size of the bundle.

::

    python benchmarks/page.py [--pairs 5]

Two JupyterLabs, one with the extension and one where it is switched off, in one Chromium, in turn.
Plain Lab is usable once its launcher is shown and the splash has gone; ours once also the panel is
connected and lists its jobs. The bundle is counted as a server sends it: gzipped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from figures import Comparison, publish, version_of
from live import BROWSER, running, until
from playwright.sync_api import Page, sync_playwright

LIMIT_MS, LIMIT_KB = 1000.0, 400.0
SWITCHED_OFF = "--ServerApp.jpserver_extensions={'aimass_server': False}"
BUNDLE = Path(__file__).parents[1] / "aimass_jupyter" / "labextension" / "static"
PLAIN = (
    "!document.querySelector('#jupyterlab-splash') && document.querySelector('.jp-LauncherCard')"
)
OURS = (
    f"{PLAIN} && document.querySelector('[data-testid=aimass-header][data-state=live]')"
    " && document.querySelector('[data-testid=aimass-empty-jobs]')"
)


@contextmanager
def lab(base: Path, *, plain: bool) -> Iterator[str]:
    """A JupyterLab; gives its address with a token."""
    from aimass_jupyter.client.starting import stop_programs

    settings = base / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    if plain:
        config = base / "config" / "labconfig"
        config.mkdir(parents=True)
        off = {"disabledExtensions": {"aimass-jupyter": True}}
        (config / "page_config.json").write_text(json.dumps(off))
    environment = {
        "AIMASS_DATA": str(base / "data"), "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
    }  # fmt: skip
    argv = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--ServerApp.root_dir={base}",
        *(["--allow-root"] if os.geteuid() == 0 else []), *([SWITCHED_OFF] if plain else []),
    ]  # fmt: skip
    with running(argv, base / "lab.log", environment) as process:
        record = base / "runtime" / f"jpserver-{process.pid}.json"
        try:
            until(record.exists, "JupyterLab")
            facts = json.loads(record.read_text())
            yield f"{facts['url']}lab?token={facts['token']}"
        finally:
            stop_programs(base / "data")


def loaded(page: Page, address: str, usable: str) -> float:
    """Milliseconds from asking for the page until it can be used."""
    page.goto("about:blank")
    page.goto(address, wait_until="commit")
    found: Any = page.wait_for_function(f"() => ({usable}) && performance.now()", timeout=120_000)
    return float(found.json_value())


def bundle_kilobytes() -> float:
    """All that the extension may send to a page."""
    return sum(len(gzip.compress(path.read_bytes())) for path in BUNDLE.glob("*.js")) / 1000


def measure(pairs: int) -> tuple[list[float], list[float]]:
    """Load both pages in turn."""
    wanted = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in wanted if name and (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("no Chromium on this machine: install chromium, or name one in CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        labs = []
        for name in ("ours", "plain"):
            (base := Path(folder) / name).mkdir()
            labs.append(stack.enter_context(lab(base, plain=name == "plain")))
        play = stack.enter_context(sync_playwright())
        browser = play.chromium.launch(executable_path=path, args=list(BROWSER))
        stack.callback(browser.close)
        ours, plain = (browser.new_page() for _ in labs)
        ours.goto(labs[0])
        ours.get_by_role("tab", name="AI Mass").click()  # Lab remembers that the panel is shown
        ours.wait_for_timeout(3000)
        loaded(ours, labs[0], OURS), loaded(plain, labs[1], PLAIN)  # fills the browser's cache
        figures = [
            (loaded(ours, labs[0], OURS), loaded(plain, labs[1], PLAIN)) for _ in range(pairs)
        ]
    return [our for our, _ in figures], [their for _, their in figures]


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    ours, plain = measure(parser.parse_args().pairs)
    more = [max(0.01, our - their) for our, their in zip(ours, plain, strict=True)]
    told = f"theirs is the limit; plain {statistics.median(plain):.0f} ms"
    publish(
        "page",
        [
            Comparison("beyond plain Lab", version_of("jupyterlab"), more, [LIMIT_MS], "ms", 1.0,
                       note=told),
            Comparison("bundle", "limit", [bundle_kilobytes()], [LIMIT_KB], "kB gzipped", 1.0),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
