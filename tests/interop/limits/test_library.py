"""Compares windows with the package ``limits``: the same requests on the same clock."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.sliding_counter import SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog

foreign = pytest.importorskip("limits", reason="the package limits is not installed")
strategies = pytest.importorskip("limits.strategies")
memory = pytest.importorskip("limits.storage.memory")

START = 1_000_000_000.0  # a multiple of every window below
JUDGES: dict[str, tuple[str, Callable[[int, float], Limit]]] = {
    "fixed window": ("FixedWindowRateLimiter", FixedWindow),  # in memory its windows begin with a request
    "moving window": ("MovingWindowRateLimiter", SlidingLog),
    "sliding window counter": ("SlidingWindowCounterRateLimiter", lambda quota, s: SlidingCounter(quota, s, 0.0)),
}


class Clock:
    """What the library reads in place of ``time.time``."""

    def __init__(self) -> None:
        self.now = START

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(memory, "time", SimpleNamespace(time=clock.time))
    return clock


def theirs(strategy: str, quota: int, window_s: int, instants: list[float], clock: Clock) -> list[bool]:
    storage = memory.MemoryStorage()
    storage.timer.join()  # its clean-up has run once; ``hit`` reads the clock itself
    limiter = getattr(strategies, strategy)(storage)
    item = foreign.RateLimitItemPerSecond(quota, window_s)
    decisions = []
    for now in instants:
        clock.now = now
        decisions.append(limiter.hit(item, "client"))
    storage.timer.cancel()
    storage.timer.join()
    return decisions


def near_a_boundary(now: float, instants: list[float], window_s: int) -> bool:
    """Whether a window could end here: the library rounds floats differently."""
    return any(
        abs((now - began + window_s / 2) % window_s - window_s / 2) < 1e-5
        for began in (START, *instants)
        if now > began
    )


def ours(limit: Limit, instants: list[float]) -> list[bool]:
    return [limit.admit(now).admitted for now in instants]


@pytest.mark.parametrize("name", JUDGES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quota=st.integers(1, 12),
    window_s=st.sampled_from([1, 2, 10]),
    steps=st.lists(st.floats(0, 0.4), max_size=100),  # in windows
)
def test_the_same_requests_are_admitted(name: str, quota: int, window_s: int, steps: list[float], clock: Clock) -> None:
    strategy, make = JUDGES[name]
    instants = [START + window_s * sum(steps[:number]) + 1e-4 * number for number in range(1, len(steps) + 1)]
    instants = [now for now in instants if not near_a_boundary(now, instants, window_s)]
    assert ours(make(quota, window_s), instants) == theirs(strategy, quota, window_s, instants, clock)
