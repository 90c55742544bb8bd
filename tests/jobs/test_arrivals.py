"""A wait is told as long as it is where more urgent work keeps coming, and no longer elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aimass_server.jobs.arrivals import Arrival, foretell
from aimass_server.jobs.picture import Limits, Picture, Running, Waiting
from aimass_server.jobs.queue import forecast

ADA, BOB = ("physics", "ada"), ("physics", "bob")
NOW = 1000.0


def _job(name: str, seconds: float = 10.0, priority: int = 1) -> Waiting:
    return Waiting(name, ADA, priority, least=1, most=1, seconds=seconds)


def _picture(*waiting: Waiting) -> Picture:
    return Picture(NOW, Limits(1), list(waiting), [Running("r", BOB, 1, ends=NOW + 10)])


def _came(every: float, job: Callable[[int], Waiting]) -> list[Arrival]:
    return [Arrival(NOW - every * n - 1, job(n)) for n in range(30)]


def test_urgent_work_that_keeps_coming_makes_a_wait_longer() -> None:
    picture = _picture(_job("mine"))
    assert forecast(picture, "mine") == NOW + 10
    lately = _came(5.0, lambda n: _job(f"urgent-{n}", seconds=5.0, priority=3))
    told = foretell(picture, "mine", lately)
    assert (
        NOW + 15 <= (told or 0) <= NOW + 25
    )  # half of those that came would take half the machine


@pytest.mark.parametrize("priority", [0, 1])
def test_what_comes_behind_it_changes_nothing(priority: int) -> None:
    picture = _picture(_job("mine"))
    lately = _came(10.0, lambda n: _job(f"later-{n}", seconds=5.0, priority=priority))
    assert foretell(picture, "mine", lately) == NOW + 10


def test_what_came_longer_ago_than_the_wait_counts_no_more() -> None:
    picture = _picture(_job("mine"))
    lately = [Arrival(NOW - 11, _job("urgent", seconds=5.0, priority=3))]
    assert foretell(picture, "mine", lately) == NOW + 10


def test_urgent_work_without_end_leaves_a_wait_that_can_be_told() -> None:
    picture = _picture(_job("mine"))
    lately = _came(1.0, lambda n: _job(f"urgent-{n}", seconds=5.0, priority=3))
    assert NOW + 20 < (foretell(picture, "mine", lately) or 0) < NOW + 1000


def test_what_never_fits_is_never() -> None:
    wide = Waiting("wide", ADA, 1, least=2, most=2, seconds=1.0)
    assert foretell(_picture(wide), "wide", _came(1.0, lambda n: _job(f"x-{n}"))) is None
