"""What the client makes of answers that are errors, or of another version."""

from __future__ import annotations

import json

import pytest

from aimass_jupyter import __version__
from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import Conflict, Internal, Unauthenticated, Unavailable
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.ids import utc_now
from tests.client.conftest import Script
from tests.conftest import Server

EVENT = Event(
    sequence=7, topic="jobs.queued", subject="job_1", name="first", time=utc_now(), actor="ada"
)
TOLD = f"id: 7\nevent: jobs.queued\ndata: {EVENT.model_dump_json()}\n\n"
STARTING = json.dumps(Unavailable("the control plane is starting").problem())


def test_a_stream_waits_for_a_server_that_is_starting(script: Script) -> None:
    script.answers["/events/stream"] = [(503, STARTING), (503, "<h1>soon</h1>"), (200, TOLD)]
    with script.client() as client:
        assert next(client.follow_events(after=0)).sequence == EVENT.sequence


def test_a_stream_that_is_refused_says_why(server: Server) -> None:
    with Client(Address(server.url, "aimass_wrong")) as client, pytest.raises(Unauthenticated):
        next(client.follow_events(after=0))


def test_a_stream_from_what_is_no_control_plane_says_so(script: Script) -> None:
    script.answers["/events/stream"] = [(404, "<h1>not here</h1>")]
    with script.client() as client, pytest.raises(Internal, match="answered 404"):
        next(client.follow_events(after=0))


@pytest.mark.parametrize("answer", ["{}", "<h1>welcome</h1>", ""])
def test_an_answer_of_another_version_names_both_and_the_cure(script: Script, answer: str) -> None:
    script.answers["/whoami"] = [(200, answer)]
    script.answers["/status"] = [(200, '{"version": "99.1"}')]
    with script.client() as client, pytest.raises(Internal) as raised:
        client.system.whoami()
    assert "system.whoami" in raised.value.message
    assert "99.1" in raised.value.message
    assert __version__ in raised.value.message
    assert "install the same version" in raised.value.hint


def test_an_event_of_another_version_names_both(script: Script) -> None:
    script.answers["/events/stream"] = [(200, 'id: 8\nevent: x\ndata: {"sequence": 8}\n\n')]
    script.answers["/status"] = [(200, '{"version": "99.1"}')]
    with script.client() as client, pytest.raises(Internal, match=r"99\.1"):
        next(client.follow_events(after=0))


def test_a_server_that_cannot_even_tell_its_version(script: Script) -> None:
    script.answers["/status"] = [(200, "<h1>welcome</h1>")]
    with script.client() as client, pytest.raises(Internal, match="of an unknown version"):
        client.system.status()


def test_a_client_that_was_closed_says_so(script: Script) -> None:
    client = script.client()
    client.close()
    with pytest.raises(Conflict, match="this client has been closed"):
        client.system.status()
