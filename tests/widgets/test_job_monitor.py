"""The view of a job in a process without a kernel: what it follows, shows and survives."""

from __future__ import annotations

import _thread
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aimass_jupyter.contract.errors import Conflict, Forbidden, NotFound
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.widgets import JobMonitor
from tests.widgets.conftest import ScriptedControlPlane, make_job, make_series

DONE = {"state": "succeeded", "model": "digits@1", "metrics": {"accuracy": 0.98}}
JOB = make_job().id


def eventually(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


@pytest.fixture
def monitor(control_plane: ScriptedControlPlane) -> Iterator[JobMonitor]:
    with control_plane.client() as client:
        monitor = JobMonitor(JOB, client)
        yield monitor
        threads = [one for one in threading.enumerate() if one.name.startswith("follow ")]
        monitor.close()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def test_it_shows_everything_from_the_start(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job(), make_series("loss/train", [2.0, 1.0]), log="[0] epoch 1\n")
    monitor.start()
    assert monitor.card["state"] == "running"
    assert monitor.connection == "live"
    whole = monitor.get_state("history")["history"]
    assert whole["series"] == [{"tag": "loss/train", "steps": [0, 1], "values": [2.0, 1.0]}]
    assert whole["lines"] == ["[0] epoch 1"]
    assert monitor.job is not None
    assert monitor.job.id == JOB


def test_waiting_follows_to_the_end_and_tells_what_is_new(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job(state="queued"))
    seen: list[tuple[str, int, int]] = []

    def told(update: JobUpdate) -> None:
        points = sum(len(one.steps) for one in update.series)
        seen.append((update.job.state, points, threading.get_ident()))
        if update.job.state == "queued":
            control_plane.tell(make_job(), make_series("loss/train", [2.0, None]))
        elif update.job.state == "running":
            control_plane.tell(make_job(**DONE), make_series("loss/train", [0.5], 2), log="end")

    update = monitor.follow(on_update=told)
    assert [(state, points) for state, points, _ in seen] == [
        ("queued", 0),
        ("running", 2),
        ("succeeded", 3),
    ]
    assert {thread for _, _, thread in seen} == {threading.get_ident()}
    assert update.series[0].values == [2.0, None, 0.5]
    assert update.log == "end"
    assert monitor.connection == "ended"
    assert monitor.card["next"] == "%aimass promote digits@1 --alias production"


def test_an_answer_without_news_is_not_told(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())
    seen: list[str] = []

    def end() -> None:
        eventually(lambda: len(control_plane.asked) > 4)  # in vain, twice at least
        control_plane.tell(make_job(**DONE))

    ending = threading.Thread(target=end)
    ending.start()
    monitor.follow(on_update=lambda update: seen.append(update.job.state))
    ending.join()
    assert seen == ["running", "succeeded"]


def test_a_job_that_has_ended_needs_no_thread(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job(**DONE))
    before = threading.active_count()
    assert monitor.follow().end
    assert monitor.follow().end
    assert threading.active_count() <= before + 1  # the server's thread of the connection
    assert [verb for verb, _ in control_plane.asked] == ["GET attach"]


def test_one_look_does_not_wait_for_the_end(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())
    update = monitor.follow(until_end=False)
    assert not update.end


def test_an_interrupt_ends_the_waiting_and_not_the_following(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())
    timer = threading.Timer(0.3, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):
        monitor.follow(on_update=lambda _: timer.start())  # once: there is no other news
    assert not [verb for verb, _ in control_plane.asked if verb == "POST stop"]
    control_plane.tell(make_job(**DONE))
    eventually(lambda: monitor.connection == "ended")


def test_a_server_that_is_started_again_loses_nothing(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job(), make_series("loss/train", [2.0]), log="[0] one\n")
    monitor.start()
    control_plane.stop()
    eventually(lambda: monitor.connection == "reconnecting")
    assert monitor.card["state"] == "running"
    control_plane.tell(make_job(), make_series("loss/train", [1.0], 1), log="[0] two\n")
    control_plane.start()
    eventually(lambda: monitor.connection == "live")
    control_plane.tell(make_job(**DONE), log="[0] three\n")
    update = monitor.follow()
    assert update.series[0].values == [2.0, 1.0]
    assert update.log.splitlines() == ["[0] one", "[0] two", "[0] three"]


def test_no_such_job_is_said_at_once(
    monitor: JobMonitor, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotFound, match=JOB):
        monitor.start()
    monitor._ipython_display_()
    assert capsys.readouterr().err.splitlines() == [
        f"NotFound: there is no job '{JOB}'",
        "  → see: %aimass jobs",
    ]


def test_a_job_that_goes_away_ends_the_waiting(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())
    monitor.start()

    def refuse(_: object) -> None:
        raise Forbidden("you may not see job 'digits'", "ask its owner")

    control_plane.answers["GET attach"] = refuse
    with pytest.raises(Forbidden, match="may not see"):
        monitor.follow()
    assert monitor.connection == "lost"
    assert monitor.problem["message"] == "you may not see job 'digits'"
    assert monitor.problem["hint"] == "ask its owner"


def press(monitor: JobMonitor, kind: str) -> None:
    """What arrives when a button is pressed in a page."""
    monitor._handle_msg(
        {"content": {"data": {"method": "custom", "content": {"kind": kind}}}, "buffers": []}
    )


def test_the_stop_button_stops_the_job(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())

    def stop(_: object) -> Any:
        control_plane.tell(make_job(state="stopping"))
        control_plane.tell(make_job(state="stopped"))
        return make_job(state="stopping")

    control_plane.answers["POST stop"] = stop
    monitor.start()
    press(monitor, "stop")
    assert monitor.follow().job.state == "stopped"
    eventually(lambda: monitor.busy == "")
    assert monitor.problem is None


def test_a_stop_that_fails_is_shown_and_the_view_goes_on(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())

    def refuse(_: object) -> None:
        raise Conflict("job 'digits' has ended already", "nothing to do")

    control_plane.answers["POST stop"] = refuse
    monitor.start()
    press(monitor, "stop")
    eventually(lambda: monitor.problem is not None and monitor.busy == "")
    assert monitor.problem["message"] == "job 'digits' has ended already"
    control_plane.tell(make_job(**DONE))
    assert monitor.follow().end


def test_a_word_that_is_no_action_does_nothing(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job())
    monitor.start()
    for kind in ("delete", "__init__", "close"):
        press(monitor, kind)
    assert monitor.busy == ""
    assert {verb for verb, _ in control_plane.asked} == {"GET attach", "GET whoami"}


def test_the_state_of_a_long_run_is_small(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    tags = ["loss/train", "loss/validation", "accuracy/validation", "progress/fraction"]
    for first in range(0, 40_000, 10_000):
        values = [1 / (first + at + 1) for at in range(10_000)]
        series = [make_series(tag, list(values), first) for tag in tags]
        control_plane.tell(make_job(), *series, log="[0] a line of the log\n" * 5_000)
    control_plane.tell(make_job(**DONE))
    monitor.follow()
    state = {name: monitor.get_state(name)[name] for name in ("card", "history", "connection")}
    assert len(json.dumps(state, allow_nan=False)) < 250_000


def test_the_plain_text_is_part_of_what_is_shown(
    control_plane: ScriptedControlPlane, monitor: JobMonitor
) -> None:
    control_plane.tell(make_job(**DONE))
    data, metadata = monitor._repr_mimebundle_()
    assert "succeeded" in data["text/plain"]
    assert "%aimass promote digits@1 --alias production" in data["text/plain"]
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == monitor.model_id
    assert isinstance(metadata, dict)
