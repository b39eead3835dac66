"""The bounds of metrics during a run: an expectation is decided only if nothing that may still happen changes it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.config.expectation import Expectation
from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.catalogue import bounds_of, metrics_of, values_of
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, Outcome
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.tally import Tally

DIALECT = "media-offer"
PLANNED = 20
COUNTERS = {"started", "connected", "answered", "gave_up", "calls", "attempts", "rate_limited", "outcomes", "closes"}
COUNTERS |= {"abnormal_closes", "retries", "reconnects", "pings_answered"}
METRICS = [*sorted(metrics_of(DIALECT)), "closes.1006", "closes.4000"]


def measured(*tallies: Tally, planned: int = PLANNED, calls_each: int | None = 1, until_s: float = 0.0) -> RunSoFar:
    return RunSoFar(tallies, DIALECT, planned, calls_each, until_s)


def decided(known: RunSoFar, text: str) -> bool | None:
    expectation = Expectation.parse(text)
    return expectation.decided(bounds_of(expectation.metric, known), known.planned)


def calls(*seconds: float) -> Tally:
    tally = Tally()
    for each in seconds:
        tally.count("calls.answered", 1.0)
        tally.latencies["call_setup"].record(each)
        tally.latencies["call_setup.service"].record(each)
    return tally


def counted(**counts: int) -> Tally:
    tally = Tally()
    for name, n in counts.items():
        tally.count(name, 1.0, n)
    return tally


@pytest.mark.parametrize(
    ("text", "known", "certain", "why"),
    [
        ("answered >= 90%", measured(counted(gave_up=2)), None, "18 of 20 can still be answered"),
        ("answered >= 90%", measured(counted(gave_up=3)), False, "17 are not 90 %"),
        ("gave_up < 10%", measured(counted(gave_up=1)), None, "another may"),
        ("gave_up < 10%", measured(counted(gave_up=1, answered=19)), True, "no other softphone is left"),
        ("started == 100%", measured(counted(started=20)), True, "all have"),
        ("time_to_connected < 65s", measured(until_s=64.0), None, "there is still time"),
        ("time_to_connected < 65s", measured(until_s=65.0), False, "the time is over"),
        ("time_to_connected < 65s", measured(counted(connected=20), until_s=80.0), True, "all were, after 1 s"),
        ("call_setup.p95 < 1s", measured(calls(2.0)), None, "19 of 20 may still be fast"),
        ("call_setup.p95 < 1s", measured(calls(2.0, 2.0)), False, "two of 20 are more than 5 %"),
        (
            "call_setup.p95 < 1s",
            measured(calls(2.0, 2.0), calls_each=None),
            None,
            "unknown how many calls are to come",
        ),
        ("call_setup.max < 1s", measured(calls(2.0), calls_each=None), False, "one is enough for the maximum"),
        ("offer.p50 < 1s", measured(calls(2.0)), None, "unknown how many retries are to come"),
        ("amplification <= 1.5", measured(counted(**{"attempts.offer": 31})), False, "31 attempts of 20 softphones"),
        ("closes.1006 == 0", measured(counted(**{"closes.1006": 1})), False, "one has been seen"),
        ("closes.1006 == 0", measured(counted(**{"closes.1000": 1})), None, "none has been seen yet"),
        ("abnormal_closes == 0", measured(counted(**{"abnormal_closes.reset": 1})), False, "of any cause"),
        ("rate_limited == 0", measured(Tally(), counted(**{"outcomes.token.rate_limited": 1})), False, "in any tally"),
    ],
)
def test_an_expectation_is_decided_once_certain(text: str, known: RunSoFar, certain: bool | None, why: str) -> None:
    assert decided(known, text) is certain, why


# Properties, over runs that are made up.

durations = st.floats(0, 50, allow_nan=False)
attempts = st.builds(
    Attempt,
    step=st.sampled_from(["token", "handshake", "ready", "offer", "close"]),
    planned_s=st.just(1.0),
    began_s=st.floats(1, 2),
    ended_s=st.floats(2, 30),
    outcome=st.sampled_from(Outcome),
    softphone=st.integers(0, 50_000),
    advice=st.just(NO_ADVICE),
)
lives = st.lists(
    st.tuples(
        st.lists(attempts, max_size=4),
        st.sampled_from(["answered", "gave_up", "unfinished"]),
        durations,
        st.sampled_from(["closes.1000", "closes.1006", "closes.4000", ""]),
        st.sampled_from([*(f"abnormal_closes.{cause}" for cause in ABNORMAL_CAUSES), "retries", "pings_answered", ""]),
    ),
    max_size=8,
)
Lives = list[tuple[list[Attempt], str, float, str, str]]


def lived(softphones: Lives) -> Tally:
    tally = Tally()
    for made, end, seconds, close, event in softphones:
        tally.count("started", 0.5)
        tally.latencies["start_lag"].record(seconds / 100)
        for attempt in made:
            tally.attempt(attempt)
        if end == "answered":
            tally.count("connected", seconds)
            tally.merge(calls(seconds))
        if end != "unfinished":
            tally.count(end, seconds)
        for name in filter(None, (close, event)):
            tally.count(name, seconds)
    return tally


@settings(deadline=None, max_examples=60)
@given(lives, lives)
def test_the_final_value_is_within_the_bounds_of_any_time_before(before: Lives, after: Lives) -> None:
    planned = max(len(before) + len(after), 1)
    known = measured(lived(before), planned=planned)
    final = values_of(measured(lived(before), lived(after), planned=planned))
    outside = []
    for metric in METRICS:
        low, high = bounds_of(metric, known)
        actual = final.get(metric)
        if actual is not None and not low <= actual <= high:
            outside.append((metric, low, actual, high))
    assert outside == []


@settings(deadline=None, max_examples=30)
@given(lives)
def test_the_lower_bound_of_a_counter_is_its_value(softphones: Lives) -> None:
    """A counter that was not found would stay 0, and no run would be aborted for it."""
    known = measured(lived(softphones), planned=max(len(softphones), 1))
    counters = [metric for metric in METRICS if metric.partition(".")[0] in COUNTERS]
    values = values_of(known)
    assert {metric: bounds_of(metric, known).low for metric in counters} == {
        metric: values.get(metric) for metric in counters
    }
