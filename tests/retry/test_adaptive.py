"""The adaptive rate, on a clock that only the test moves."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

import pytest

from locust_softphone.config.behaviour import Adaptive
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.retry.adaptive import RECHECK_S, AdaptiveRate, AdaptiveRates

SETTINGS = Adaptive()


def steady(rate_per_s: float, seconds: float) -> AdaptiveRate:
    """A rate that has measured this many answers a second, without a 429."""
    rate = AdaptiveRate(SETTINGS)
    for number in range(int(rate_per_s * seconds) + 1):
        rate.answered(number / rate_per_s, limited=False)
    return rate


def test_before_the_first_429_nothing_waits() -> None:
    rate = steady(100.0, 10.0)
    assert rate.rate_per_s == inf
    assert [rate.wait_s(rate.ask(10.0), 10.0) for _ in range(1000)] == [0.0] * 1000


def test_a_429_reduces_the_measured_rate_and_time_restores_it() -> None:
    rate = steady(100.0, 10.0)
    rate.answered(10.0, limited=True)
    assert rate.rate_per_s == pytest.approx(70.0, rel=0.01)
    k = (100.0 * 0.3 / 0.4) ** (1 / 3)  # seconds until the old rate
    seen = {}
    for number in range(1, 901):  # 75 answers a second
        rate.answered(10.0 + number / 75.0, limited=False)
        seen[number / 75.0] = rate.rate_per_s
    until_k = [value for at, value in seen.items() if at <= k]
    assert sorted(until_k) == until_k
    assert next(at for at, value in seen.items() if value >= 99.999) == pytest.approx(k, abs=0.3)
    assert max(seen.values()) == pytest.approx(150.0, rel=0.01)  # twice the measured rate


def test_the_rate_is_never_below_the_slowest() -> None:
    rate = AdaptiveRate(SETTINGS)
    for _ in range(100):
        rate.answered(0.0, limited=True)
    assert rate.rate_per_s == 0.5


def test_waiting_requests_go_in_the_order_in_which_they_asked() -> None:
    rate = steady(10.0, 10.0)
    rate.answered(10.0, limited=True)  # 7 a second
    numbers = [rate.ask(10.0) for _ in range(10)]
    waits = [rate.wait_s(number, 10.0) for number in numbers]
    assert waits == [pytest.approx(min(n / rate.rate_per_s, RECHECK_S)) for n in range(1, 11)]
    assert [rate.wait_s(number, 11.0) == 0.0 for number in numbers] == [True] * 7 + [False] * 3


def test_a_pause_saves_the_requests_of_one_second_only() -> None:
    rate = steady(10.0, 10.0)
    rate.answered(10.0, limited=True)
    assert sum(rate.wait_s(rate.ask(1000.0), 1000.0) == 0.0 for _ in range(100)) == 7


def test_each_step_has_its_own_rate() -> None:
    rates = AdaptiveRates(SETTINGS)
    rates.of("token").answered(0.0, limited=True)
    assert (rates.of("token").rate_per_s, rates.of("offer").rate_per_s) == (0.5, inf)


@pytest.mark.parametrize("limit_per_s", [5.0, 50.0])
def test_it_finds_the_rate_of_a_limit(limit_per_s: float) -> None:
    """Clients that always ask again get about what the limit admits, and few refusals."""
    rate, limit = AdaptiveRate(SETTINGS), TokenBucket(limit_per_s, 2 * limit_per_s)
    admitted = refused = 0
    waiting = [(0.0, number, rate.ask(0.0)) for number in range(200)]
    while waiting:
        now, client, number = heappop(waiting)
        if now > 120.0:
            continue
        wait_s = rate.wait_s(number, now)
        if wait_s:
            heappush(waiting, (now + wait_s, client, number))
            continue
        passed = limit.admit(now).admitted
        rate.answered(now, limited=not passed)
        if now > 60.0:
            admitted += passed
            refused += not passed
        heappush(waiting, (now, client, rate.ask(now)))
    assert admitted >= 0.7 * 60 * limit_per_s
    assert refused <= 0.1 * admitted
