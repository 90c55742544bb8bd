"""Following the event stream: server-sent events with resume from the last sequence number."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx

from aimass_jupyter.client.answers import error_of
from aimass_jupyter.contract.events import Event

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0


def follow(
    open_stream: Callable[[int | None], AbstractContextManager[httpx.Response]], after: int | None
) -> Iterator[Event]:
    """Events from a sequence number on, or from now; connects again with growing waits.

    Raises
    ------
    AimassError
        When the stream is refused.
    """
    sequence, wait = after, _FIRST_WAIT
    while True:
        try:
            with open_stream(sequence) as response:
                if response.is_success:
                    for event in parse(response.iter_lines()):
                        yield event
                        sequence, wait = event.sequence, _FIRST_WAIT
                elif response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    response.read()
                    raise error_of(response)
        except httpx.TransportError:
            pass  # the server is being started again
        time.sleep(wait)
        wait = min(_LONGEST_WAIT, wait * 2)


def parse(lines: Iterator[str]) -> Iterator[Event]:
    """The events in a stream; notices, which carry no id, are let go."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "id" in fields:
                yield Event.model_validate_json(fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
