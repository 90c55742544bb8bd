"""The names that completion offers: asked beside who types, who never waits for a slow server."""

from __future__ import annotations

import threading

import pytest

from aimass_jupyter.contract.errors import Unavailable
from aimass_jupyter.magics import completion
from aimass_jupyter.magics.completion import Names, complete


class Slow:
    """A control plane that answers when it is let."""

    def __init__(self) -> None:
        self.names = ["sales"]
        self.answers = threading.Event()
        self.heard = threading.Event()
        self.asked = 0

    def ask(self, kind: str) -> list[str]:
        self.asked += 1
        self.heard.set()
        assert self.answers.wait(60)
        return self.names


def test_a_key_is_answered_before_a_slow_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "CACHE_SECONDS", 0.0)  # each key asks
    slow = Slow()
    names = Names(slow.ask)
    assert names.of("datasets") == []  # the server is still at it, and was asked once
    assert "--dataset" in complete("train --da", names.of)
    assert names.of("datasets") == []
    assert slow.heard.wait(60)
    assert slow.asked == 1
    slow.answers.set()
    names._asking["datasets"].join()
    assert "sales" in complete("train --dataset sa", names.of)

    names._asking["datasets"].join()
    slow.answers.clear()
    slow.names = ["sales", "stock"]
    assert names.of("datasets") == ["sales"]  # as it was, while it answers again
    slow.answers.set()
    names._asking["datasets"].join()
    assert "stock" in names.of("datasets")


def test_a_server_that_is_gone_takes_no_names_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "CACHE_SECONDS", 0.0)
    answers = iter([["sales"]])

    def ask(kind: str) -> list[str]:
        for names in answers:
            return names
        raise Unavailable("it is gone")

    names = Names(ask)
    for _ in range(3):
        names.of("models")
        names._asking["models"].join()
    assert names.of("models") == ["sales"]


def test_the_wait_leaves_room_for_the_rest_of_a_tenth_of_a_second() -> None:
    assert completion.WAIT_SECONDS <= 0.08
