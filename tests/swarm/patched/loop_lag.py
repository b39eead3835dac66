"""How much of a span of time the event loop was late, and whether it stands still."""

from __future__ import annotations

import pytest

from locust_softphone.swarm.load.loop_lag import EVERY_S, LoopLag


def lags(*woke_s: float) -> LoopLag:
    """A loop whose measuring greenlet asked at 0 s, and again each time that it was woken."""
    lag = LoopLag()
    asked_s = 0.0
    for now_s in woke_s:
        lag.asked(asked_s)
        lag.woke(now_s)
        asked_s = now_s
    lag.asked(asked_s)
    return lag


@pytest.mark.parametrize(
    ("from_s", "until_s", "lost_s", "why"),
    [
        (0.0, 0.05, 0.0, "it was on time"),
        (0.1, 0.9, 0.7, "the whole stall, from 0.15 s to 0.85 s"),
        (0.35, 0.9, 0.5, "the rest of the stall"),
        (0.1, 0.45, 0.3, "its first part"),
        (0.3, 0.5, 0.2, "only stall"),
        (0.86, 0.9, 0.0, "after it"),
        (0.0, 1.5, 0.7 + 0.6, "it is late again since 0.9 s, and nobody has measured that yet"),
        (1.0, 1.5, 0.5, "all of it"),
    ],
)
def test_the_time_that_was_lost(from_s: float, until_s: float, lost_s: float, why: str) -> None:
    lag = lags(0.05, 0.1, 0.85)
    assert lag.lost_s(from_s, until_s) == pytest.approx(lost_s), why


@pytest.mark.parametrize(
    ("now_s", "still", "why"),
    [
        (10.0, False, "a lag of 0.9 s is not a stall"),
        (10.9, False, "not yet"),
        (11.2, True, "it has been due for more than a second"),
    ],
)
def test_a_stall_that_nobody_has_measured_yet(now_s: float, still: bool, why: str) -> None:
    lag = lags(0.95, 1.0, 10.0 - EVERY_S)
    lag.asked(10.0)
    assert LoopLag().stands_still(now_s) is False
    lag = LoopLag()
    lag.asked(10.0)
    assert lag.stands_still(now_s) is still, why


def test_what_is_noticed_just_after_a_stall_happened_in_it() -> None:
    lag = lags(0.05, 5.0, 5.05)
    assert lag.stands_still(5.1)
    assert not lag.stands_still(6.05)
