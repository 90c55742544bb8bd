"""The event stream: replayed from a sequence number, in order, nothing twice."""

from __future__ import annotations

from itertools import islice

from aimass_jupyter.client import Client
from aimass_jupyter.client.stream import parse
from aimass_jupyter.contract.jobs import Job
from tests.conftest import Server


def test_a_stream_replays_from_a_sequence_number(client: Client, trained: Job) -> None:
    listed = client.events.list(limit=1000).items
    followed = list(islice(client.follow_events(after=0), len(listed)))
    assert [event.sequence for event in followed] == [event.sequence for event in listed]
    middle = listed[len(listed) // 2].sequence
    rest = list(islice(client.follow_events(after=middle), 2))
    assert [event.sequence for event in rest] == [middle + 1, middle + 2]


def test_what_happens_to_a_job_is_told_in_order(client: Client, trained: Job) -> None:
    told, after = [], 0
    while events := client.events.list(after=after, limit=1000).items:  # many tests use this server
        told += [event.topic for event in events if event.subject == trained.id]
        after = events[-1].sequence
    assert told == ["jobs.queued", "jobs.starting", "jobs.running", "jobs.succeeded"]


def test_a_stream_goes_on_after_a_restart_of_the_server(own_server: Server) -> None:
    with own_server.client() as client:
        client.datasets.import_("iris")
        stream = client.follow_events(after=0)
        imported = (event.name for event in stream if event.topic == "datasets.imported")
        assert next(imported) == "iris"
        own_server.kill()
        own_server.start()
        client.datasets.import_("wine")
        assert next(imported) == "wine"


def test_notices_and_comments_are_let_go() -> None:
    lines = [": follow", "", "event: jobs.progress", "data: {}", ""]
    assert list(parse(iter(lines))) == []
