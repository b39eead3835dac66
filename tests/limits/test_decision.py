"""Properties that every model has."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from locust_softphone.limits.decision import Limit, periods, reached
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.session_cap import CuttingCap, EvictingCap, SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.limits.work_queue import WorkQueue

RATES: dict[str, Callable[[int, float], Limit]] = {  # from a quota and a period in seconds
    "token bucket": lambda quota, period_s: TokenBucket(quota / period_s, quota),
    "lumps": lambda quota, period_s: LumpBucket(max(1, quota // 2), period_s, quota),
    "leaky queue": lambda quota, period_s: LeakyBucket(quota / period_s, quota - 1, delays=True),
    "leaky bucket": lambda quota, period_s: LeakyBucket(quota / period_s, quota - 1, delays=False),
    "aligned window": lambda quota, period_s: FixedWindow(quota, period_s, aligned_to_s=0.0),
    "window of the first": lambda quota, period_s: FixedWindow(quota, period_s),
    "sliding log": SlidingLog,
    "sliding counter": SlidingCounter,
    "aligned sliding counter": lambda quota, period_s: SlidingCounter(quota, period_s, aligned_to_s=0.0),
    "measured rate": MeasuredRate,
    "fixed penalty": lambda quota, period_s: Penalty(FixedWindow(quota, period_s), 2 * period_s),
    "renewed penalty": lambda quota, period_s: Penalty(SlidingLog(quota, period_s), period_s, renewed=True),
    "work queue": lambda quota, period_s: WorkQueue(quota, quota // 2, period_s),
}
CAPS: dict[str, Callable[[int, float], Limit]] = {
    "cap": lambda quota, period_s: SessionCap(quota),
    "cutting cap": CuttingCap,
    "evicting cap": lambda quota, period_s: EvictingCap(quota),
}
MODELS = RATES | CAPS
QUOTA = st.integers(1, 20)
PERIOD_S = st.floats(0.01, 100)
START = st.sampled_from([0.0, 12345.678, 1.7e9])
STEPS = st.lists(st.floats(0, 2), max_size=60)  # in periods


@pytest.mark.parametrize("name", MODELS)
@settings(deadline=None, max_examples=50)
@given(quota=QUOTA, period_s=PERIOD_S, start=START, steps=STEPS)
def test_peek_gives_the_decision_of_admit_and_counts_nothing(
    name: str, quota: int, period_s: float, start: float, steps: list[float]
) -> None:
    limit, now = MODELS[name](quota, period_s), start
    for number, step in enumerate(steps):
        now += step * period_s
        assert limit.peek(now) == limit.peek(now) == limit.admit(now, number)


@pytest.mark.parametrize("name", RATES)
@settings(deadline=None, max_examples=50)
@given(quota=QUOTA, period_s=PERIOD_S, start=START, steps=STEPS, cut=st.integers(0, 60))
def test_counting_admissions_decides_as_admit_does(
    name: str, quota: int, period_s: float, start: float, steps: list[float], cut: int
) -> None:
    instants = list(accumulate((step * period_s for step in steps), initial=start))
    one_by_one, counting = RATES[name](quota, period_s), RATES[name](quota, period_s)
    for part in (instants[:cut], instants[cut:]):
        assert counting.count_admitted(part) == sum(one_by_one.admit(now).admitted for now in part)
    assert counting.peek(instants[-1]) == one_by_one.peek(instants[-1])


@pytest.mark.parametrize("name", RATES)
@settings(deadline=None, max_examples=50)
@given(quota=QUOTA, period_s=PERIOD_S, start=START, steps=STEPS)
@example(quota=1, period_s=0.0625, start=1_700_000_000.0, steps=[0.0, 0.0])
def test_a_client_that_waits_as_long_as_asked_is_admitted(
    name: str, quota: int, period_s: float, start: float, steps: list[float]
) -> None:
    limit, now = RATES[name](quota, period_s), start
    for step in steps:
        now += step * period_s
        decision = limit.admit(now)
        if not decision.admitted:
            now = max(now + decision.wait_s, math.nextafter(now, math.inf))
            assert limit.admit(now).admitted


@pytest.mark.parametrize("name", [*RATES, "cap"])  # the other caps admit everyone
@settings(deadline=None, max_examples=50)
@given(quota=QUOTA, period_s=PERIOD_S, steps=STEPS)
def test_the_remaining_number_is_admitted_at_the_same_instant(
    name: str, quota: int, period_s: float, steps: list[float]
) -> None:
    limit, now = MODELS[name](quota, period_s), 0.0
    for number, step in enumerate(steps):
        now += step * period_s
        limit.admit(now, number)
    remaining = limit.admit(now, "last").remaining
    more = [limit.admit(now, f"more {number}").admitted for number in range(quota + quota // 2 + 1)]
    assert more == [True] * remaining + [False] * (len(more) - remaining)


@pytest.mark.parametrize("name", MODELS)
@settings(deadline=None, max_examples=50)
@given(quota=QUOTA, period_s=PERIOD_S, steps=STEPS)
def test_there_is_a_wait_exactly_when_nothing_remains(
    name: str, quota: int, period_s: float, steps: list[float]
) -> None:
    limit, now = MODELS[name](quota, period_s), 0.0
    for number, step in enumerate(steps):
        now += step * period_s
        decision = limit.admit(now, number)
        assert 0 <= decision.remaining < decision.quota
        if name not in ("cutting cap", "evicting cap"):
            assert (decision.wait_s > 1e-9) == (decision.remaining == 0)
        assert decision.reset_s >= decision.wait_s - 1e-6


@pytest.mark.parametrize("name", RATES)
@settings(deadline=None, max_examples=50)
@given(quota=QUOTA, period_s=PERIOD_S, steps=STEPS)
def test_the_whole_quota_is_available_after_the_reset(
    name: str, quota: int, period_s: float, steps: list[float]
) -> None:
    limit, now = RATES[name](quota, period_s), 0.0
    reset_s = 0.0
    for step in steps:
        now += step * period_s
        reset_s = limit.admit(now).reset_s
    decision = limit.peek(now + reset_s + 1e-6)
    assert decision.admitted
    assert decision.remaining == decision.quota - 1


@pytest.mark.parametrize(
    ("now", "instant", "expected"),
    [
        (1.0, 1.0, True),
        (0.999, 1.0, False),
        (0.1 + 0.2, 0.3, True),
        (0.3, 0.1 + 0.2, True),  # the last digit of a float
        (1.7e9, 1.7e9 + 2**-22, True),  # one digit of the wall clock
        (1.7e9, 1.7e9 + 1e-5, False),
    ],
)
def test_reached(now: float, instant: float, expected: bool) -> None:
    assert reached(now, instant) is expected


@pytest.mark.parametrize(
    ("now", "since", "expected"),
    [(0.0, 0.0, 0), (0.09, 0.0, 0), (0.1, 0.0, 1), (0.1 + 0.2, 0.0, 3), (3 * 0.1 - 1e-17, 0.0, 3), (-0.05, 0.0, -1)],
)
def test_periods(now: float, since: float, expected: int) -> None:
    assert periods(now, since, 0.1) == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LumpBucket(0, 1, 1), "the lump of a bucket must be at least 1"),
        (lambda: LumpBucket(1, 0, 1), "the interval of a bucket must be above 0"),
        (lambda: LumpBucket(1, 1, 0), "the burst of a bucket must be at least 1"),
        (lambda: LeakyBucket(0, 1, delays=True), "the rate of a leaky bucket must be above 0"),
        (lambda: LeakyBucket(1, -1, delays=True), "the queue of a leaky bucket must be at least 0"),
        (lambda: FixedWindow(0, 1), "the quota of a window must be at least 1"),
        (lambda: FixedWindow(1, math.inf), "the length of a window must be above 0"),
        (lambda: SlidingLog(1, math.nan), "the length of a window must be above 0"),
        (lambda: SlidingCounter(1, 0), "the length of a window must be above 0"),
        (lambda: MeasuredRate(0, 1), "the quota of a window must be at least 1"),
        (lambda: Penalty(SlidingLog(1, 1), 0), "a penalty must be above 0"),
        (lambda: SessionCap(0), "a cap must be at least 1"),
        (lambda: CuttingCap(1, -1), "the time until a cut must be at least 0"),
        (lambda: WorkQueue(0, 1, 1), "the number of workers must be at least 1"),
        (lambda: WorkQueue(1, 1, 0), "the time that work takes must be above 0"),
    ],
)
def test_an_invalid_parameter_is_an_error(make: Callable[[], Limit], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()
