"""The adaptive rate against the original: botocore's rate limiter, on the same clock and the same answers."""

from __future__ import annotations

import random

import pytest

from locust_softphone.config.behaviour import Adaptive
from locust_softphone.retry.adaptive import AdaptiveRate

adaptive = pytest.importorskip("botocore.retries.adaptive", reason="botocore is not installed")
bucket = pytest.importorskip("botocore.retries.bucket")
throttling = pytest.importorskip("botocore.retries.throttling")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def current_time(self) -> float:
        return self.now


class Detector:
    def is_throttling_error(self, *, limited: bool) -> bool:
        return limited


@pytest.mark.parametrize("seed", range(20))
def test_the_rate_is_that_of_botocore_after_every_answer(seed: int) -> None:
    rng, clock = random.Random(seed), Clock()
    tokens = bucket.TokenBucket(max_rate=1, clock=clock)
    theirs = adaptive.ClientRateLimiter(
        rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=0.0),
        rate_clocker=adaptive.RateClocker(clock),
        token_bucket=tokens,
        throttling_detector=Detector(),
        clock=clock,
    )
    ours = AdaptiveRate(Adaptive())
    limited_yet = False
    for _ in range(2000):
        limited = rng.random() < 0.05
        limited_yet |= limited
        theirs.on_receiving_response(limited=limited)
        ours.answered(clock.now, limited=limited)
        if limited_yet:
            assert ours.rate_per_s == pytest.approx(tokens.max_rate)
        clock.now += rng.expovariate(rng.choice([2.0, 20.0, 200.0]))
