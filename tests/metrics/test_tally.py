"""Counters and histograms: nothing is lost on the way from a worker to the record."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given, settings
from hypothesis import strategies as st

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Attempt, Latency, Tally

HOUR_US = 3_600_000_000


def an_attempt(**facts: Any) -> Attempt:
    usual = {"step": "offer", "planned_s": 1.0, "began_s": 1.5, "ended_s": 2.25, "outcome": Outcome.OK}
    return Attempt(**{**usual, **facts})


ATTEMPTS = st.builds(
    Attempt,
    step=st.sampled_from(["token", "handshake", "offer"]),
    planned_s=st.floats(0, 5),
    began_s=st.floats(5, 10),
    ended_s=st.floats(10, 15),
    outcome=st.sampled_from(Outcome),
    status=st.sampled_from([None, 200, 429]),
)


def sent(tally: Tally) -> Tally:
    """The tally as the master has it: packed and unpacked the way Locust does."""
    return Tally.from_plain(msgpack.unpackb(msgpack.packb(tally.to_plain()), raw=False, strict_map_key=False))


# Latency


def durations(*seconds: float) -> Latency:
    latency = Latency()
    for each in seconds:
        latency.record(each)
    return latency


def longest_s(latency: Latency) -> float:
    return latency.summary()["max"]


@settings(deadline=None)
@given(st.integers(1, HOUR_US))
@example(249)  # as a float of seconds it comes out a little short of 249 microseconds
def test_a_duration_is_kept_to_three_significant_digits(microseconds: int) -> None:
    latency = durations(microseconds / 1e6)
    for kept_s in (latency.percentile_s(50), longest_s(latency)):
        assert kept_s * 1e6 == pytest.approx(microseconds, rel=1e-3)


@pytest.mark.parametrize(
    ("seconds", "kept_s", "why"),
    [
        (0.0, 0.0, "nothing is a duration too"),
        (-1.0, 0.0, "a negative one counts as none"),
        (0.4e-6, 0.0, "nearer to nothing than to a microsecond"),
        (0.6e-6, 1e-6, "nearer to a microsecond than to nothing"),
        (7200.0, 3600.0, "beyond an hour counts as an hour"),
    ],
)
def test_a_duration_out_of_range(seconds: float, kept_s: float, why: str) -> None:
    latency = durations(seconds)
    assert longest_s(latency) == pytest.approx(kept_s, rel=1e-3), why
    assert len(latency) == 1, why


def test_percentiles_are_of_the_durations_that_were_recorded() -> None:
    summary = durations(*(milliseconds / 1000 for milliseconds in range(1, 1001))).summary()
    assert summary["count"] == 1000
    expected = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "max": 1.0}
    assert {name: summary[name] for name in expected} == pytest.approx(expected, rel=1e-3)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 4000), max_size=50))
def test_it_says_what_an_hdr_histogram_of_the_same_durations_says(seconds: list[float]) -> None:
    reference = HdrHistogram(1, HOUR_US, 3)
    for each in seconds:
        reference.record_value(min(round(each * 1e6), HOUR_US))
    latency = durations(*seconds)
    assert latency.encode() == reference.encode().decode()
    assert latency.percentile_s(90) * 1e6 == pytest.approx(reference.get_value_at_percentile(90))


def test_a_summary_of_nothing_invents_no_figures() -> None:
    assert Latency().summary() == {"count": 0}


# Tally


def test_service_time_is_from_the_actual_start_and_response_time_from_the_planned_one() -> None:
    tally = Tally()
    tally.attempt(an_attempt(planned_s=1.0, began_s=1.5, ended_s=2.25))
    assert longest_s(tally.latencies["offer.service"]) == pytest.approx(0.75, rel=1e-3)
    assert longest_s(tally.latencies["offer"]) == pytest.approx(1.25, rel=1e-3)


def test_an_attempt_is_counted_by_step_outcome_status_and_second() -> None:
    tally = Tally()
    tally.attempt(an_attempt())
    tally.attempt(an_attempt(outcome=Outcome.RATE_LIMITED, status=429))
    tally.attempt(an_attempt(outcome=Outcome.LOST))
    assert tally.counts == {
        "attempts.offer": 3,
        "outcomes.offer.ok": 1,
        "outcomes.offer.rate_limited": 1,
        "outcomes.offer.lost": 1,
        "status.offer.429": 1,
    }
    assert dict(tally.timeline.items()) == {1: {"attempts.offer": 3}, 2: {"rate_limited.offer": 1}}


def test_a_cancelled_attempt_has_no_latency() -> None:
    tally = Tally()
    tally.attempt(an_attempt(outcome=Outcome.CANCELLED))
    assert tally.counts["attempts.offer"] == 1
    assert not tally.latencies


def test_the_first_and_the_last_of_each_event_are_known() -> None:
    tally = Tally()
    for at_s in (2.5, -0.01, 7.25, 3.0):
        tally.count("connected", at_s)
    tally.count("pings_answered", 4.0, by=3)
    assert (tally.first_s["connected"], tally.last_s["connected"]) == (-0.01, 7.25)
    assert tally.counts == {"connected": 4, "pings_answered": 3}
    one = {"connected": 1}
    assert dict(tally.timeline.items()) == {0: one, 2: one, 3: one, 4: {"pings_answered": 3}, 7: one}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), ATTEMPTS), max_size=30))
def test_the_tallies_of_several_workers_merged_are_one_tally_of_everything(work: list[tuple[int, Attempt]]) -> None:
    everything, merged = Tally(), Tally()
    workers = [Tally() for _ in range(4)]
    for worker, attempt in work:
        for tally in (workers[worker], everything):
            tally.attempt(attempt)
            tally.retry(RetryAfterSample(attempt.step, attempt.planned_s, attempt.began_s))
            tally.setup_times.record(attempt.planned_s, attempt.service_s)
    for each in workers:
        merged.merge(sent(each))
    assert facts(merged) == facts(everything)


def facts(tally: Tally) -> dict[str, Any]:
    """A tally in full, whatever order it came about in."""
    plain = tally.to_plain()
    buckets = {name: sorted(zip(row[::2], row[1::2], strict=True)) for name, row in plain["latencies"].items()}
    return {**plain, "latencies": buckets, "setup_times": tally.setup_times.summaries()}


def test_a_tally_that_is_handed_on_leaves_the_receivers_own_alone() -> None:
    received, merged = Tally(), Tally()
    received.count("started", 1.0)
    merged.merge(received)
    merged.count("started", 2.0)
    assert received.counts == {"started": 1}
    assert dict(received.timeline.items()) == {1: {"started": 1}}


def test_a_tally_of_nothing_can_be_sent() -> None:
    assert sent(Tally()).to_plain() == Tally().to_plain()
