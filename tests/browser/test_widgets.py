"""The widgets as a person meets them: in JupyterLab with all rights, in Voila as a viewer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from aimass_jupyter.client import Client
from tests.browser.at_lab import (
    CONTRAST,
    DARK,
    LIGHT,
    MortalLab,
    accept,
    faults,
    show_in,
    train,
    write_notebook,
)
from tests.browser.lab_server import SCREENSHOTS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

PREPARE = """from aimass_jupyter import connect
from aimass_jupyter.widgets import *
client = connect()"""
CELLS = (
    PREPARE,
    "RunCompare(['seen-a', 'seen-b'])",
    "PredictForm('seen-a')",
    "EndpointMonitor('seen-a')",
    "ClusterMonitor()",
    "ModelSelector()",
)
VIEWS = {
    "compare": "aimass-compare",
    "predict": "aimass-predict",
    "endpoint": "aimass-endpoint",
    "cluster": "aimass-cluster",
    "models": "aimass-models",
}
#: What only those with rights are shown.
WITH_RIGHTS = ("Stop", "Roll back", "Drain", "Promote", "Deploy", "Train")
TABLE = (
    "petal_length\tpetal_width\tsepal_length\tsepal_width\n1.4\t0.2\t5.1\t3.5\n6.0\t2.5\t6.3\t3.3\n"
)


@pytest.fixture(scope="module")
def client(mortal: MortalLab) -> Iterator[Client]:
    """A client of a control plane with two runs, and an endpoint that has served both of them."""
    with mortal.client() as client:
        client.datasets.import_("iris")
        first, second = train(client, "seen-a", epochs=6), train(client, "seen-b", epochs=3)
        assert client.wait(first.id).state == "succeeded"
        assert client.wait(second.id).state == "succeeded"
        client.runs.tag(run=first.id, add=["noted"])
        client.endpoints.deploy("seen-b", name="seen-a")
        client.endpoints.deploy("seen-a", name="seen-a")
        yield client
        client.endpoints.delete("seen-a")


@pytest.fixture
def notebook(page: Page, mortal: MortalLab, client: Client) -> Page:
    """A notebook with every widget, run in JupyterLab."""
    write_notebook(mortal.notebooks / "widgets.ipynb", *CELLS)
    page.goto(mortal.lab.address("tree/widgets.ipynb"))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.get_by_test_id("aimass-models").wait_for()
    return page


def view(page: Page, name: str) -> Locator:
    found = page.get_by_test_id(VIEWS[name]).first
    found.scroll_into_view_if_needed()
    return found


def ask_with_fields(page: Page) -> None:
    form = view(page, "predict")
    form.get_by_label("petal length").fill("1.4")
    form.get_by_test_id("aimass-ask").click()
    expect(form.get_by_test_id("aimass-best")).to_have_text("setosa")
    expect(form.get_by_test_id("aimass-prediction")).to_contain_text("answered by seen-")


def ask_with_a_table(page: Page) -> None:
    form = view(page, "predict")
    form.get_by_role("button", name="Many rows").click()
    table = form.get_by_test_id("aimass-table")
    table.fill(TABLE.replace("6.0", "six"))
    form.get_by_test_id("aimass-ask").click()
    expect(form.get_by_text("Row 2, petal_length: 'six' is no number.")).to_be_visible()
    table.fill(TABLE)
    form.get_by_test_id("aimass-ask").click()
    rows = form.get_by_role("region", name="predictions").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("setosa")


def test_every_widget_in_lab_and_again_after_a_restart_of_the_kernel(notebook: Page) -> None:
    page = notebook
    compare = view(page, "compare")
    lines = compare.get_by_test_id("aimass-chart-loss/train").locator(".aimass-line")
    expect(lines).to_have_count(4)  # two in the plot, two in its legend
    expect(compare.get_by_text("best", exact=True).first).to_be_visible()
    expect(compare.get_by_role("rowheader", name="epochs")).to_be_visible()
    compare.get_by_role("button", name="hide seen-a").press("Enter")
    expect(lines).to_have_count(2)
    compare.get_by_role("button", name="show seen-a").press("Enter")
    expect(lines).to_have_count(4)
    ask_with_fields(page)
    ask_with_a_table(page)
    endpoint = view(page, "endpoint")
    shares = endpoint.get_by_role("region", name="traffic by version")
    expect(shares.get_by_role("rowheader", name="seen-a@1")).to_be_visible()
    expect(endpoint.get_by_test_id("aimass-chart-requests-in-5-s")).to_be_visible()
    nodes = view(page, "cluster").get_by_test_id("aimass-nodes")
    expect(nodes.get_by_role("rowheader", name="local")).to_be_visible()
    expect(nodes.get_by_role("button", name="drain local")).to_be_visible()
    look_at_all(page)
    models = view(page, "models")
    models.get_by_label("tag of the models").select_option("noted")
    expect(models.get_by_role("checkbox")).to_have_count(1)
    models.get_by_label("tag of the models").select_option("all tags")
    for name in ("seen-a@1", "seen-b@1"):
        models.get_by_role("checkbox", name=f"compare {name}").check()
    models.get_by_test_id("aimass-models-compare").click()
    expect(page.get_by_test_id(VIEWS["compare"])).to_have_count(2)
    roll_back(page)
    restart(page)
    come_back_next_week(page)


def roll_back(page: Page) -> None:
    """Asked for, taken back, asked for again and done."""
    endpoint = view(page, "endpoint")
    endpoint.get_by_test_id("aimass-rollback").click()
    expect(endpoint.get_by_text("Serve seen-b@1 again?")).to_be_visible()
    page.keyboard.press("Escape")
    endpoint.get_by_test_id("aimass-rollback").click()
    endpoint.get_by_role("button", name="Roll back").click()
    expect(endpoint.get_by_text("seen-a serves seen-b@1 again")).to_be_visible()


def look_at_all(page: Page) -> None:
    """A picture of each widget in each theme, and nothing serious for those who do not see."""
    page.set_viewport_size({"width": 1440, "height": 1700})  # so that each is whole
    for theme, name in ((CONTRAST, "contrast"), (DARK, "dark"), (LIGHT, "light")):
        show_in(page, theme)
        for which in VIEWS:
            view(page, which).screenshot(path=SCREENSHOTS / f"widget-{which}-{name}.png")
            if theme != CONTRAST:
                where = f"[data-testid={VIEWS[which]}]"
                assert faults(page, where) == [], f"{which} in {theme}"


def restart(page: Page) -> None:
    """A new kernel makes them again from the names in the cells."""
    page.evaluate("void (ran = jupyterapp.commands.execute('notebook:restart-run-all'))")
    accept(page).click()
    page.evaluate("ran")  # the last cell as well
    expect(page.get_by_test_id("aimass-best")).to_have_count(0)
    page.get_by_test_id("aimass-models").wait_for()
    ask_with_fields(page)
    expect(view(page, "compare").locator("path.aimass-line").first).to_be_visible()


def come_back_next_week(page: Page) -> None:
    """The kernel is gone, and a new one knows nothing of them: what was saved is shown."""
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("jupyterapp.commands.execute('notebook:shutdown-kernel')")
    page.reload()
    stills = page.get_by_test_id("aimass-still")
    compared = stills.filter(has_text="seen-b").first
    compared.scroll_into_view_if_needed()
    compared.locator("img").wait_for()
    assert compared.locator("img").evaluate("image => image.naturalWidth") > 0
    expect(stills.filter(has_text="Run the cell to see it live")).to_have_count(len(CELLS) - 1)
    expect(page.get_by_text("model not found")).to_have_count(0)
    assert faults(page, ".aimass-Still") == []
    compared.screenshot(path=SCREENSHOTS / "widget-still-light.png")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    view(page, "compare").wait_for()
    expect(stills).to_have_count(0)


def test_a_viewer_in_voila_is_shown_nothing_that_is_not_allowed(
    page: Page, mortal: MortalLab, client: Client
) -> None:
    running = train(client, "seen-now", epochs=100_000)
    path = mortal.base / "watch.ipynb"
    write_notebook(path, *CELLS, f"JobMonitor('{running.id}', client=client)")
    service = client.services.publish(notebook=path, name="watch")
    try:
        page.goto(service.url)
        page.get_by_test_id("aimass-monitor").last.wait_for()
        for which in VIEWS:
            expect(view(page, which)).to_be_visible()
            view(page, which).screenshot(path=SCREENSHOTS / f"voila-{which}-light.png")
        ask_with_fields(page)
        ask_with_a_table(page)
        expect(page.get_by_test_id("aimass-train-form")).to_be_hidden()
        for label in WITH_RIGHTS:
            expect(page.get_by_role("button", name=re.compile(f"^{label}", re.I))).to_have_count(0)
        expect(page.get_by_role("button", name="hide seen-a")).to_be_visible()
    finally:
        client.jobs.stop(running.id)
        client.services.stop("watch")
