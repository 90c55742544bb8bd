"""The views in a real kernel: what a front end receives, and what it can ask for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.widgets.conftest import ScriptedControlPlane, make_job, make_series

DONE = {"state": "succeeded", "model": "digits@1", "metrics": {"accuracy": 0.98}}
Message = dict[str, Any]

SETUP = """
from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.widgets import JobMonitor, ModelSelector
client = Client(Address({url!r}, {token!r}))
"""


class FrontEnd:
    """The messages of one kernel, kept in their order."""

    def __init__(self, kernel: BlockingKernelClient) -> None:
        self.kernel = kernel
        self.messages: list[Message] = []

    def run(self, code: str) -> str:
        """Run a cell to its end; returns the id of its request."""
        request: str = self.kernel.execute(code)
        reply = self.kernel.get_shell_msg(timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]
        return request

    def wait(self, matches: Callable[[Message], object], seconds: float = 60) -> Message:
        """The first message that matches, of those that came or will come."""
        for message in self.messages:
            if matches(message):
                return message
        deadline = time.monotonic() + seconds
        while True:
            message = self.kernel.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            self.messages.append(message)
            if matches(message):
                return message

    def press(self, comm: str, subshell: str | None = None, **content: Any) -> None:
        """What a page sends when a button is pressed."""
        data = {"method": "custom", "content": content}
        message = self.kernel.session.msg("comm_msg", {"comm_id": comm, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.kernel.shell_channel.send(message)

    def open_subshell(self) -> str:
        """What JupyterLab does for the messages of widgets."""
        request = self.kernel.session.msg("create_subshell_request", {})
        self.kernel.control_channel.send(request)
        reply = self.kernel.get_control_msg(timeout=60)
        subshell: str = reply["content"]["subshell_id"]
        return subshell

    def opened(self, view: str) -> Message:
        """The message that brought a view of this class to the page."""
        return self.wait(
            lambda m: (
                m["msg_type"] == "comm_open"
                and str(m["content"]["data"]["state"].get("_anywidget_id", "")).endswith(view)
            )
        )


def state_of(comm: str, **wanted: Any) -> Callable[[Message], bool]:
    """Matches an update of a view's traits that has these values."""

    def matches(message: Message) -> bool:
        content = message["content"]
        if message["msg_type"] != "comm_msg" or content["comm_id"] != comm:
            return False
        state = content["data"].get("state", {})
        return all(state.get(name) == value for name, value in wanted.items())

    return matches


def card_of(comm: str, state: str) -> Callable[[Message], bool]:
    """Matches an update that says that the job is in this state."""

    def matches(message: Message) -> bool:
        found = message["content"].get("data", {})
        card = found.get("state", {}).get("card", {}) if "method" in found else {}
        return state_of(comm)(message) and card.get("state") == state

    return matches


def addition_of(comm: str) -> Callable[[Message], bool]:
    """Matches new points or lines of a job."""

    def matches(message: Message) -> bool:
        content = message["content"].get("data", {}).get("content", {})
        return state_of(comm)(message) and content.get("kind") == "more"

    return matches


def whole_of(comm: str) -> Callable[[Message], bool]:
    """Matches all curves and lines of a job."""

    def matches(message: Message) -> bool:
        return state_of(comm)(message) and "history" in message["content"]["data"].get("state", {})

    return matches


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.fixture
def front_end(kernel: BlockingKernelClient, control_plane: ScriptedControlPlane) -> FrontEnd:
    front_end = FrontEnd(kernel)
    with control_plane.client() as client:
        front_end.run(SETUP.format(url=client.url, token=control_plane.token))
    return front_end


@pytest.mark.slow
def test_a_view_follows_its_job_after_its_cell_has_ended(
    front_end: FrontEnd, control_plane: ScriptedControlPlane
) -> None:
    control_plane.tell(make_job(), make_series("loss/train", [2.0]))
    cell = front_end.run("monitor = JobMonitor('digits', client)\nmonitor")
    comm = front_end.opened("JobMonitor")["content"]["comm_id"]
    shown = front_end.wait(lambda m: m["msg_type"] == "display_data")["content"]
    assert shown["data"]["application/vnd.jupyter.widget-view+json"]["model_id"] == comm
    assert shown["data"]["text/plain"].splitlines()[1].startswith("running")

    control_plane.tell(make_job(), make_series("loss/train", [1.0], 1), log="[0] one\n")
    more = front_end.wait(
        lambda m: addition_of(comm)(m) and m["content"]["data"]["content"]["lines"]
    )
    new = more["content"]["data"]["content"]
    assert new["series"] == [{"tag": "loss/train", "steps": [1], "values": [1.0]}]
    assert new["lines"] == ["[0] one"]

    other = front_end.run("'another cell'")
    control_plane.tell(make_job(**DONE))
    last = front_end.wait(card_of(comm, "succeeded"))
    assert last["parent_header"]["msg_id"] == cell != other
    again = front_end.wait(lambda m: m["msg_type"] == "update_display_data")
    assert again["content"]["transient"]["display_id"] == shown["transient"]["display_id"]
    assert "next: %aimass promote digits@1" in again["content"]["data"]["text/plain"]
    history = front_end.wait(whole_of(comm))
    assert history["content"]["data"]["state"]["history"]["series"][0]["steps"] == [0, 1]


@pytest.mark.slow
def test_a_cell_that_waits_shows_what_is_new_meanwhile(
    front_end: FrontEnd, control_plane: ScriptedControlPlane
) -> None:
    control_plane.tell(make_job())
    cell = front_end.kernel.execute(
        "from IPython.display import display\n"
        "monitor = JobMonitor('digits', client)\ndisplay(monitor)\n"
        "print(monitor.follow(on_update=lambda u: print(u.job.state, flush=True)).job.state)"
    )
    comm = front_end.opened("JobMonitor")["content"]["comm_id"]
    front_end.wait(lambda m: m["msg_type"] == "stream")
    control_plane.tell(make_job(), make_series("loss/train", [1.0]))
    front_end.wait(lambda m: addition_of(comm)(m) and m["content"]["data"]["content"]["series"])
    control_plane.tell(make_job(**DONE))
    done = front_end.wait(card_of(comm, "succeeded"))
    assert done["parent_header"]["msg_id"] == cell
    reply = front_end.kernel.get_shell_msg(timeout=60)
    assert reply["content"]["status"] == "ok"
    idle = front_end.wait(
        lambda m: (
            m["msg_type"] == "status"
            and m["content"]["execution_state"] == "idle"
            and m["parent_header"]["msg_id"] == cell
        )
    )
    before = front_end.messages[: front_end.messages.index(idle)]
    assert done in before
    said = "".join(m["content"]["text"] for m in before if m["msg_type"] == "stream")
    assert said.splitlines() == ["running", "running", "succeeded", "succeeded"]


@pytest.mark.slow
def test_an_interrupt_of_a_waiting_cell_leaves_the_view_alive(
    front_end: FrontEnd, control_plane: ScriptedControlPlane, kernel: BlockingKernelClient
) -> None:
    control_plane.tell(make_job())
    front_end.kernel.execute(
        "monitor = JobMonitor('digits', client)\n"
        "try:\n    monitor.follow(on_update=lambda u: print('waiting', flush=True))\n"
        "except KeyboardInterrupt:\n    print('no longer')"
    )
    comm = front_end.opened("JobMonitor")["content"]["comm_id"]
    front_end.wait(lambda m: m["msg_type"] == "stream" and "waiting" in m["content"]["text"])
    interrupt = kernel.session.msg("interrupt_request", {})
    kernel.control_channel.send(interrupt)
    kernel.get_control_msg(timeout=60)
    reply = kernel.get_shell_msg(timeout=60)
    assert reply["content"]["status"] == "ok"
    front_end.wait(lambda m: m["msg_type"] == "stream" and "no longer" in m["content"]["text"])
    assert "POST stop" not in {verb for verb, _ in control_plane.asked}
    control_plane.tell(make_job(**DONE))
    front_end.wait(card_of(comm, "succeeded"))


@pytest.mark.slow
def test_a_page_can_stop_the_job_and_ask_for_the_whole(
    front_end: FrontEnd, control_plane: ScriptedControlPlane
) -> None:
    def stop(_: object) -> Any:
        control_plane.tell(make_job(state="stopped"))
        return make_job(state="stopping")

    control_plane.answers["POST stop"] = stop
    control_plane.tell(make_job(), make_series("loss/train", [2.0]))
    front_end.run("monitor = JobMonitor('digits', client)\nmonitor.start()")
    comm = front_end.opened("JobMonitor")["content"]["comm_id"]
    front_end.press(comm, kind="whole")
    whole = front_end.wait(whole_of(comm))
    assert whole["content"]["data"]["state"]["history"]["series"][0]["values"] == [2.0]
    front_end.press(comm, kind="stop")
    front_end.wait(card_of(comm, "stopped"))
    assert [fields for verb, fields in control_plane.asked if verb == "POST stop"] == [{}]


@pytest.mark.slow
def test_a_page_can_stop_the_job_while_a_cell_waits_for_it(
    front_end: FrontEnd, control_plane: ScriptedControlPlane
) -> None:
    def stop(_: object) -> Any:
        control_plane.tell(make_job(state="stopped"))
        return make_job(state="stopping")

    control_plane.answers["POST stop"] = stop
    control_plane.tell(make_job())
    subshell = front_end.open_subshell()
    front_end.kernel.execute(
        "monitor = JobMonitor('digits', client)\n"
        "print(monitor.follow(on_update=lambda u: print('waiting', flush=True)).job.state)"
    )
    comm = front_end.opened("JobMonitor")["content"]["comm_id"]
    front_end.wait(lambda m: m["msg_type"] == "stream" and "waiting" in m["content"]["text"])
    front_end.press(comm, subshell, kind="stop")
    reply = front_end.kernel.get_shell_msg(timeout=60)
    assert reply["content"]["status"] == "ok"
    front_end.wait(lambda m: m["msg_type"] == "stream" and "stopped" in m["content"]["text"])
