"""A property: whatever a client asks, and whenever, the limit that answered is never ruled out."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.diagnosis import diagnose
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.inference.virtual_client import Network, observe

Make = Callable[[int, float], Limit]
MAKE: Mapping[Kind, Make] = {  # from a quota and a period in seconds
    Kind.FIRST_WINDOW: FixedWindow,
    Kind.ALIGNED_WINDOW: lambda quota, window_s: FixedWindow(quota, window_s, aligned_to_s=0.3 * window_s),
    Kind.SLIDING_LOG: SlidingLog,
    Kind.SLIDING_COUNTER: SlidingCounter,
    Kind.MEASURED_RATE: MeasuredRate,
    Kind.TOKEN_BUCKET: lambda quota, window_s: TokenBucket(quota / window_s, quota),
    Kind.CAP: lambda quota, _: SessionCap(quota),
}
FEWEST_REFUSED = 3
ROUNDING = 1e-6

PHASES = st.lists(
    st.one_of(
        st.tuples(st.just("burst"), st.floats(0.1, 1.6)),  # so many times the quota at once
        st.tuples(st.just("silence"), st.floats(0.05, 2.5)),  # so many windows long
        st.tuples(st.floats(0.3, 3.0), st.floats(0.2, 2.5)),  # at so many times the rate, so many windows long
    ),
    min_size=2,
    max_size=6,
)


def instants(phases: list[tuple[str | float, float]], quota: int, window_s: float) -> list[float]:
    """When a client sends its requests."""
    sent, now = [0.0], 0.0
    for kind, size in phases:
        if kind == "burst":
            sent += [now] * round(size * quota)
            continue
        if isinstance(kind, float):
            gap_s = window_s / quota / kind
            sent += [now + number * gap_s for number in range(1, int(size * window_s / gap_s))]
        now += size * window_s
    return sent


@pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.name.lower())
@given(
    phases=PHASES,
    quota=st.integers(3, 40),
    window_s=st.floats(1.0, 20.0),
    round_trip_s=st.floats(0.001, 0.1),
    seed=st.integers(0, 999),
)
@settings(max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
def test_the_true_limit_is_among_those_that_explain_the_answers(
    kind: Kind,
    phases: list[tuple[str | float, float]],
    quota: int,
    window_s: float,
    round_trip_s: float,
    seed: int,
) -> None:
    observations = observe(
        MAKE[kind](quota, window_s),
        instants(phases, quota, window_s),
        network=Network(round_trip_s, round_trip_s / 20),
        rng=random.Random(seed),
    )
    assume(sum(not each.admitted for each in observations) >= FEWEST_REFUSED)
    truth = {"quota": quota, "window_s": window_s, "rate": quota / window_s, "burst": quota, "cap": quota}
    found = [each for each in diagnose(observations).hypotheses if each.kind is kind]
    assert any(
        all(
            bounds.low * (1 - ROUNDING) <= truth[name] <= bounds.high * (1 + ROUNDING)
            for name, bounds in each.bounds.items()
        )
        for each in found
    ), found
