"""Call set-up times by planned second: small enough for an hour, close enough for a chart, nothing lost in a merge."""

from __future__ import annotations

import math

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.metrics.setup_times import SetupTimes

CALLS = st.lists(st.tuples(st.floats(0, 3), st.floats(0.0001, 100)), max_size=40)


def times_of(calls: list[tuple[float, float]]) -> SetupTimes:
    times = SetupTimes()
    for planned_s, took_s in calls:
        times.record(planned_s, took_s)
    return times


@pytest.mark.parametrize("took_s", [0.0, 0.000_001, 0.000_063, 0.0042, 0.264, 1.0, 9.13, 3599.0])
def test_a_duration_is_kept_within_1_6_per_cent(took_s: float) -> None:
    summary = times_of([(7.9, took_s)]).summaries()[7]
    assert summary["count"] == 1
    assert summary["p50"] == summary["p99"] == pytest.approx(took_s, rel=0.016, abs=1e-9)


def test_a_call_counts_in_the_second_that_it_was_planned_in_however_late_it_was_answered() -> None:
    summaries = times_of([(0.0, 0.1), (0.99, 30.0), (1.0, 0.2)]).summaries()
    assert {second: summary["count"] for second, summary in summaries.items()} == {0: 2, 1: 1}


@settings(deadline=None)
@given(st.lists(st.floats(0.0001, 100), min_size=1, max_size=200))
def test_a_percentile_is_what_that_share_of_the_calls_did_not_exceed(took: list[float]) -> None:
    (summary,) = times_of([(0.0, each) for each in took]).summaries().values()
    ranked = sorted(took)
    for percent in (50, 95, 99):
        exact = ranked[math.ceil(percent / 100 * len(ranked)) - 1]
        assert summary[f"p{percent}"] == pytest.approx(exact, rel=0.017, abs=1e-6)


@settings(deadline=None)
@given(CALLS, CALLS)
def test_what_two_workers_measured_is_what_one_would_have(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> None:
    merged = times_of(first)
    merged.merge(SetupTimes.from_plain(msgpack.unpackb(msgpack.packb(times_of(second).to_plain()))))
    assert merged.summaries() == times_of([*first, *second]).summaries()


def test_an_hour_of_many_calls_stays_small() -> None:
    """500 calls a second, spread over four orders of magnitude, as no edge does it."""
    times = times_of([(second, 10 ** (n / 125 - 3)) for second in range(20) for n in range(500)])
    largest = max(len(row) for row in times.to_plain())
    assert largest <= 2 * 32 * 14
