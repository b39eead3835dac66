"""The fits: whatever was asked of a limit, the truth is never outside the bounds of its own kind."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.bucket_fit import fit_bucket
from locust_softphone.limits.inference.observations import Evidence
from locust_softphone.limits.inference.queue_fit import fit_queue
from locust_softphone.limits.inference.replay import Replay
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, Region
from locust_softphone.limits.inference.window_fit import (
    fit_first_window,
    fit_measured_rate,
    fit_sliding_counter,
    fit_sliding_log,
)
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.inference.virtual_client import Network, burst_then_pace, observe

FITS: dict[str, tuple[Callable[[int, float], Limit], Callable[[Evidence], Fits]]] = {
    "first window": (FixedWindow, fit_first_window),
    "sliding log": (SlidingLog, fit_sliding_log),
    "sliding counter": (SlidingCounter, fit_sliding_counter),
    "measured rate": (MeasuredRate, fit_measured_rate),
}
EVEN = Network(0.05, 1e-9)
STEPS = st.lists(st.sampled_from([0.0, 0.0, 0.013, 0.1, 0.37, 0.9]), min_size=20, max_size=120)


@pytest.mark.parametrize("name", FITS)
@settings(deadline=None, max_examples=15, derandomize=True)
@given(quota=st.integers(2, 15), steps=STEPS, seed=st.integers(0, 99))
def test_the_true_window_is_never_ruled_out(name: str, quota: int, steps: list[float], seed: int) -> None:
    make, fit = FITS[name]
    instants = [sum(steps[:number]) for number in range(1, len(steps) + 1)]
    evidence = Evidence.of(observe(make(quota, 1.0), instants, network=EVEN, rng=random.Random(seed)))
    found = fit(evidence)
    if not evidence.refusals or instants[-1] < 1.0 or (isinstance(found, Conflict) and found.quota.holds):
        return  # the observations show nothing of a window
    assert isinstance(found, list), found
    assert any(scale.low <= 1.001 and scale.high >= 0.999 and quota in bounds for scale, bounds in found), found


@settings(deadline=None, max_examples=40, derandomize=True)
@given(rate=st.floats(1, 50), burst=st.integers(1, 15), steps=STEPS, seed=st.integers(0, 99))
def test_the_true_bucket_is_never_ruled_out(rate: float, burst: int, steps: list[float], seed: int) -> None:
    instants = [sum(steps[:number]) for number in range(1, len(steps) + 1)]
    observations = observe(TokenBucket(rate, burst), instants, network=EVEN, rng=random.Random(seed))
    evidence = Evidence.of(observations)
    found = fit_bucket(evidence)
    if not evidence.refusals or rate > 10 * len(instants) / evidence.span_s:
        return  # only requests at the same instant were refused
    assert isinstance(found, list), found
    assert any(rate in scale and bounds.low - 0.1 <= burst <= bounds.high + 0.1 for scale, bounds in found), found


def test_a_replay_rules_out_a_limit_that_is_close_to_its_boundary_all_the_time() -> None:
    """At a request rate of quota / window a measured rate may decide either way, so it fits a fixed window too."""
    plan = burst_then_pace(150, 23.0, 25.0)
    evidence = Evidence.of(observe(FixedWindow(100, 10.0), plan, rng=random.Random(1)))
    scales = [4.343 * 1.02**number for number in range(8)]
    coincidence = Region((Bounds(4.343, 5.015), Bounds(100, 118)), ((s, q) for s in scales for q in range(100, 119, 3)))
    truth = Region((Bounds(9.95, 10.01), Bounds(100, 100)), [(9.98, 100)])
    replay = Replay(evidence, 0.0)
    assert replay.closest(coincidence, lambda s, quota: MeasuredRate(round(quota), s))[0] > 50
    different, point = replay.closest(truth, lambda s, quota: FixedWindow(round(quota), s))
    assert replay.tolerates(different)
    assert point == (9.98, 100)


@pytest.mark.parametrize("limit", [TokenBucket(20.0, 40), LeakyBucket(20.0, 40, delays=False), FixedWindow(40, 2.0)])
def test_answers_without_delay_are_not_a_queue(limit: Limit) -> None:
    evidence = Evidence.of(observe(limit, burst_then_pace(60, 35.0, 4.0), rng=random.Random(1)))
    assert fit_queue(evidence) is None


def test_a_queue_that_refuses_nothing_still_shows_its_rate() -> None:
    limit = LeakyBucket(20.0, 400, delays=True)
    found = fit_queue(Evidence.of(observe(limit, burst_then_pace(60, 35.0, 4.0), rng=random.Random(1))))
    assert found is not None
    assert 20.0 in found.rate
    assert found.capacity is None
