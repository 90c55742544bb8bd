"""Publishing through the front door: a real control plane, real Voila processes, real kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import Failed, Forbidden, InvalidRequest, NotFound
from aimass_jupyter.contract.services import Service
from aimass_jupyter.host import ProcessIdentity

WriteNotebook = Callable[..., Path]
Processes = Callable[[Service], list[ProcessIdentity]]

pytestmark = pytest.mark.slow


def page(service: Service) -> str:
    answer = httpx.get(service.url, follow_redirects=True, timeout=60)
    answer.raise_for_status()
    return answer.text


def test_a_new_version_answers_at_the_same_address_and_a_broken_one_changes_nothing(
    client: Client, notebook: WriteNotebook, processes: Processes
) -> None:
    first = client.services.publish(notebook=notebook("print('first', 6 * 7)"), name="steps")
    assert (first.state, first.version, first.notebook) == ("ready", 1, "report.ipynb")
    assert len(processes(first)) == 1  # Voila: the probe's kernel has gone with the probe
    assert "first 42" in page(first)

    second = client.services.publish(notebook=notebook("print('second', 6 * 7)"), name="steps")
    assert (second.id, second.version, second.url) == (first.id, 2, first.url)
    assert "second 42" in page(second)
    assert processes(first) == []

    broken = notebook("fine = 1", "print('x')\n{}['price']", "print('not reached')")
    with pytest.raises(Failed, match="cell 2 failed: KeyError: 'price'") as caught:
        client.services.publish(notebook=broken, name="steps")
    assert caught.value.details == [{"cell": 2, "line": "print('x')", "error": "KeyError"}]
    assert client.services.show("steps") == second
    assert "second 42" in page(second)
    assert processes(second.model_copy(update={"version": 3})) == []

    stopped = client.services.stop("steps")
    assert stopped.state == "stopped"
    assert processes(second) == []
    with pytest.raises(httpx.ConnectError):
        page(second)
    assert client.services.stop("steps").state == "stopped"

    again = client.services.publish(notebook=notebook("print('again')"), name="steps")
    assert (again.version, again.url) == (3, first.url)
    client.services.stop("steps")


def test_a_first_publication_that_fails_leaves_its_reason_and_nothing_running(
    client: Client, notebook: WriteNotebook, processes: Processes
) -> None:
    shown_in_vain = "class Seen:\n    def _repr_mimebundle_(self, **_): 1 / 0\nSeen()"
    with pytest.raises(Failed, match="cell 1 failed: ZeroDivisionError: division by zero"):
        client.services.publish(notebook=notebook(shown_in_vain), name="doomed")
    service = client.services.show("doomed")
    assert (service.state, service.url) == ("failed", "")
    assert service.message == "cell 1 failed: ZeroDivisionError: division by zero"
    assert processes(service.model_copy(update={"version": 1})) == []


def test_a_service_is_called_as_its_file_when_it_is_given_no_name(
    client: Client, notebook: WriteNotebook
) -> None:
    service = client.services.publish(notebook=notebook("1", name="Sales & more, 2026"))
    assert service.name == "Sales-more-2026"
    assert service.name in [item.name for item in client.services.list().items]
    client.services.stop(service.name)


def test_what_is_no_notebook_is_refused_before_anything_is_started(
    client: Client, notebook: WriteNotebook, tmp_path: Path
) -> None:
    text = tmp_path / "notes.ipynb"
    text.write_text("no JSON")
    with pytest.raises(InvalidRequest, match=r"'notes.ipynb' does not hold JSON"):
        client.services.publish(notebook=text)
    with pytest.raises(InvalidRequest, match="gives no name"):
        client.services.publish(notebook=notebook("1", name="…"))
    with pytest.raises(NotFound):
        client.services.show("notes")


def test_only_its_owner_or_an_administrator_changes_a_service(
    client: Client, notebook: WriteNotebook
) -> None:
    with pytest.raises(NotFound, match="there is no service 'nobodys'"):
        client.services.stop("nobodys")
    token = client.tokens.create("reader", role="viewer").value
    with Client(Address(client.url, token)) as viewer, pytest.raises(Forbidden):
        viewer.services.publish(notebook=notebook("1"), name="not-mine")


def test_kernels_of_a_dashboard_may_read_and_predict_and_nothing_else(
    client: Client, notebook: WriteNotebook
) -> None:
    asking = notebook(
        "import os\n"
        "from aimass_jupyter import connect\n"
        "role = connect().system.whoami().role\n"
        "print('role is', role, 'token in environment:', 'AIMASS_TOKEN' in os.environ)"
    )
    service = client.services.publish(notebook=asking, name="asking")
    assert "role is viewer token in environment: False" in page(service)
    client.services.stop("asking")
