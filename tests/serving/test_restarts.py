"""How often a program is started again: soon at first, ever more rarely when it does not help."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aimass_server.serving.fleet import (
    DELAYS_SECONDS,
    GIVEN_UP_SECONDS,
    LASTING_SECONDS,
    Restarts,
)


def test_one_that_ends_at_once_is_tried_less_and_less_often() -> None:
    now = 0.0
    restarts = Restarts(lambda: now)
    waited = []
    for _ in range(10):
        waited.append(restarts.next_delay())
        now += waited[-1]
    assert waited == [*DELAYS_SECONDS, *[GIVEN_UP_SECONDS] * 4]


def test_one_that_ran_well_for_long_starts_at_once_again() -> None:
    now = 0.0
    restarts = Restarts(lambda: now)
    for _ in range(5):
        now += restarts.next_delay()
    now += LASTING_SECONDS + 1
    assert restarts.next_delay() == 0


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=40))
def test_there_are_never_more_than_so_many_starts_in_two_minutes(lives: list[float]) -> None:
    now = 0.0
    restarts = Restarts(lambda: now)
    starts = []
    for life in lives:
        now += restarts.next_delay()
        starts.append(now)
        now += life
    most = len(DELAYS_SECONDS) + LASTING_SECONDS / GIVEN_UP_SECONDS + 1
    for start in starts:
        assert sum(start <= other < start + LASTING_SECONDS for other in starts) <= most
