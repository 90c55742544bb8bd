"""A real JupyterHub in front of a Lab with the extension, and a browser that comes through it.

::

    make hub            # a few minutes; the environment is kept below build/hub

JupyterHub and its proxy go into an environment of their own, which borrows the packages of the
project's. Needs a package index, npm and Chromium: that is why it is no part of ``make test``,
which has what needs none of them (``tests/rest/test_behind_hub.py``).
"""

from __future__ import annotations

import os
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect, sync_playwright

from aimass_jupyter.client.starting import stop_programs
from tests.browser.at_lab import MINUTE_MS, write_notebook
from tests.browser.conftest import QUIET
from tests.browser.lab_server import ROOT, SCREENSHOTS, ask_for_no_news

FOLDER = ROOT / "build" / "hub"
PROXY = FOLDER / "node_modules" / ".bin" / "configurable-http-proxy"
PASSWORD = "of the hub"
USER = "ada"
START_SECONDS = 120.0
CELLS = (
    "%load_ext aimass_jupyter",
    "%aimass datasets import iris",
    "%aimass train --dataset iris --algorithm classification --epochs 2 --name first --wait",
    "%aimass deploy first --name first",
    "found = %aimass doctor",
    "print('wanting:', [check.name for check in found.checks if not check.ok])",
)


def prepare() -> Path:
    """The Python that has JupyterHub and all that the project's has."""
    python = FOLDER / "environment" / "bin" / "python"
    if not python.with_name("jupyterhub").exists():
        venv.create(FOLDER / "environment", with_pip=True)
        (borrowing,) = (FOLDER / "environment" / "lib").glob("python3*/site-packages")
        paths = [*site.getsitepackages(), str(ROOT), str(ROOT / "server_ext")]
        (borrowing / "of_the_project.pth").write_text("\n".join(paths))
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "jupyterhub"], check=True)
    if not PROXY.exists():
        npm = ["npm", "install", "--silent", "--prefix", str(FOLDER), "configurable-http-proxy"]
        subprocess.run(npm, check=True, env=with_node())
    return python


def with_node() -> dict[str, str]:
    """The environment, with the project's Node first."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def configuration(base: Path, python: Path, ports: list[int]) -> str:
    """A hub below a path of its own, whose users need one password."""
    front, inside, proxy = ports
    environment = {
        "JUPYTER_PATH": f"{sys.prefix}/share/jupyter",
        "JUPYTER_CONFIG_PATH": f"{sys.prefix}/etc/jupyter",
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "AIMASS_DATA": str(base / "data"),
    }
    settings = {
        "JupyterHub.authenticator_class": "dummy",
        "DummyAuthenticator.password": PASSWORD,
        "Authenticator.allow_all": True,
        "JupyterHub.spawner_class": "simple",
        "SimpleLocalProcessSpawner.home_dir_template": str(base / "{username}"),
        "JupyterHub.bind_url": f"http://127.0.0.1:{front}/of/many/",
        "JupyterHub.hub_bind_url": f"http://127.0.0.1:{inside}",
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{proxy}",
        "ConfigurableHTTPProxy.command": [str(PROXY)],
        "Spawner.environment": environment,
        "Spawner.cmd": [str(python), "-m", "jupyterhub.singleuser"],
        "Spawner.args": ["--allow-root"] if os.geteuid() == 0 else [],
        "Spawner.start_timeout": int(START_SECONDS),
        "Spawner.http_timeout": int(START_SECONDS),
        "JupyterHub.cleanup_servers": True,
    }
    return "\n".join(
        ["c = get_config()", *(f"c.{name} = {value!r}" for name, value in settings.items()), ""]
    )


@contextmanager
def hub(base: Path, python: Path) -> Iterator[str]:
    """A running hub; its address."""
    ports = free_ports(3)
    (base / "jupyterhub_config.py").write_text(configuration(base, python, ports))
    (base / USER).mkdir()
    with (base / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [str(python), "-m", "jupyterhub"], cwd=base, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, env=with_node(), start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{ports[0]}/of/many/"
    try:
        wait_for(url, process, base / "hub.log")
        yield url
    except BaseException:
        print((base / "hub.log").read_text()[-8000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        stop_programs(base / "data")


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the hub answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            httpx.get(f"{url}hub/login").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.3)
        else:
            return


def visit(page: Page, url: str) -> None:
    """Sign in, see the panel live, run a notebook, see what it did in the panel."""
    refused: list[str] = []
    page.on("response", lambda r: refused.append(r.url) if r.status in (401, 403) else None)
    page.goto(f"{url}hub/login")
    page.fill("#username_input", USER)
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_url("**/user/ada/lab**", timeout=2 * MINUTE_MS)
    refused.clear()
    page.goto(f"{url}user/{USER}/lab/tree/work.ipynb")
    page.get_by_role("tab", name="AI Mass").click()
    panel = page.get_by_test_id("aimass-panel")
    expect(panel.get_by_test_id("aimass-header")).to_have_attribute("data-state", "live")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.get_by_text("wanting: []").wait_for(timeout=3 * MINUTE_MS)
    panel.locator("[data-testid^=aimass-job-job][data-state=succeeded]").first.wait_for()
    endpoint = panel.locator("[data-testid^=aimass-endpoint-][data-state=ready]")
    endpoint.locator("button.aimass-Row-name").click()
    page.get_by_test_id("aimass-page").get_by_role("heading", name="first").wait_for()
    page.get_by_test_id("aimass-tensorboard").click()
    board = page.frame_locator("[data-testid=aimass-tensorboard-tab] iframe")
    board.get_by_text("first-").first.wait_for()  # its run, among all of them
    page.screenshot(path=SCREENSHOTS / "behind-a-hub.png")
    assert refused == [], refused


def main() -> None:
    """Do it all, and leave nothing running."""
    python = prepare()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="aimass-hub-") as name:
        base = Path(name)
        ask_for_no_news(base / "settings")
        with hub(base, python) as url, sync_playwright() as playwright:
            write_notebook(base / USER / "work.ipynb", *CELLS)
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(MINUTE_MS)
            visit(page, url)
            browser.close()
    print("behind a hub: sign-in, panel, stream, kernel, job, endpoint, TensorBoard")


if __name__ == "__main__":
    main()
