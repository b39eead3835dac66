"""The search finds the shortest ramp of pure models of limits, compared with all ramps of a fine grid."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.simulation.planning.ramp_search import RampShape, shortest_ramp

USERS = 40


def admits_all(make: Callable[[], Limit]) -> Callable[[RampShape], bool]:
    """Whether a limit admits every start of a ramp."""

    def holds(shape: RampShape) -> bool:
        limit, others = make(), USERS - shape.at_once
        starts = [0.0] * shape.at_once + [n * shape.seconds / others for n in range(others)]
        return all(limit.admit(start_s).admitted for start_s in starts)

    return holds


def shortest_of_grid(holds: Callable[[RampShape], bool], longest_s: float) -> float:
    """The shortest ramp of a grid of all starts and of times 1 % apart."""
    times = [longest_s * 0.99**n for n in range(300)]
    found = longest_s
    for at_once in range(USERS):
        for seconds in times:
            if seconds < found and holds(RampShape(at_once, seconds)):
                found = seconds
    return found


@pytest.mark.parametrize(
    "make",
    [
        lambda: TokenBucket(5, 1),
        lambda: TokenBucket(5, 20),
        lambda: TokenBucket(0.5, 30),
        lambda: LeakyBucket(5, 10, delays=False),
        lambda: FixedWindow(25, 10.0),
        lambda: FixedWindow(10, 1.0, aligned_to_s=0.4),
        lambda: SlidingLog(25, 10.0),
        lambda: LumpBucket(10, 1.0, 10),
        lambda: LumpBucket(5, 1.0, 20, fills_at_s=0.3),
    ],
)
def test_no_ramp_of_a_grid_is_shorter_by_2_percent(make: Callable[[], Limit]) -> None:
    holds = admits_all(make)
    found = shortest_ramp(USERS, holds, guess_s=10.0, most_s=1000.0)
    assert found is not None
    assert holds(found)
    assert found.seconds <= shortest_of_grid(holds, found.seconds) * 1.02


def test_what_holds_all_at_once_needs_no_ramp() -> None:
    assert shortest_ramp(USERS, admits_all(lambda: TokenBucket(1, USERS)), guess_s=1.0, most_s=10.0) == (USERS, 0.0)


def test_what_never_holds_has_no_ramp() -> None:
    assert shortest_ramp(USERS, lambda shape: False, guess_s=1.0, most_s=10.0) is None


@pytest.mark.parametrize(("guess_s", "rate"), [*product([0.01, 1.0, 500.0], [5, 50])])
def test_a_bad_guess_costs_calls_and_no_precision(guess_s: float, rate: int) -> None:
    found = shortest_ramp(USERS, admits_all(lambda: TokenBucket(rate, 10)), guess_s=guess_s, most_s=1000.0)
    assert found is not None
    assert found.seconds == pytest.approx(30 / rate, rel=0.04)  # the last start is a 40th earlier
