"""The best fit within bounds: near the truth where the bounds are wide, and worse for the wrong kind."""

from __future__ import annotations

import random

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.best_fit import best_fit
from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.inference.virtual_client import Network, burst_then_pace, observe

BUCKET = Hypothesis(Kind.TOKEN_BUCKET, {"rate": Bounds(35.0, 62.0), "burst": Bounds(110.0, 170.0)})
WINDOW = Hypothesis(Kind.FIRST_WINDOW, {"window_s": Bounds(1.5, 2.6), "quota": Bounds(80.0, 120.0)})
BUSY = Network(round_trip_s=0.1, jitter_s=0.05)


@pytest.mark.parametrize(
    ("limit", "hypothesis", "other", "truth"),
    [
        (TokenBucket(50.0, 150.0), BUCKET, WINDOW, {"rate": 50.0, "burst": 150.0}),
        (FixedWindow(100, 2.0), WINDOW, BUCKET, {"window_s": 2.0, "quota": 100.0}),
    ],
)
def test_the_best_fit_is_near_the_truth_and_the_other_kind_decides_differently(
    limit: Limit, hypothesis: Hypothesis, other: Hypothesis, truth: dict[str, float]
) -> None:
    observations = observe(limit, burst_then_pace(300, 90.0, 6.0), network=BUSY, rng=random.Random(1))
    fit, wrong = best_fit(observations, hypothesis), best_fit(observations, other)
    assert fit is not None
    assert wrong is not None
    assert dict(fit.parameters) == pytest.approx(truth, rel=0.06)
    assert wrong.different > 5 * fit.different


def test_a_hypothesis_without_upper_bounds_is_not_fitted() -> None:
    observations = observe(TokenBucket(50.0, 150.0), burst_then_pace(300, 90.0, 1.0), rng=random.Random(1))
    endless = Hypothesis(Kind.TOKEN_BUCKET, {"rate": Bounds(0.0, float("inf")), "burst": Bounds(1.0, 2.0)})
    assert best_fit(observations, endless) is None
    assert best_fit(observations, Hypothesis(Kind.CAP, {"cap": Bounds(10.0, 12.0)})) is None
