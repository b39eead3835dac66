"""What a run can still come to: certain only what no event to come can change."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.config.expectation import Expectation
from locust_softphone.metrics.bounds import Bounds
from locust_softphone.metrics.catalogue import fields_of
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, Outcome
from locust_softphone.metrics.tally import Attempt, Tally
from locust_softphone.runs.record import RunFacts, build, facts

DIALECT = "media-offer"
PLANNED = 20
COUNTERS = {"started", "connected", "answered", "gave_up", "calls", "attempts", "rate_limited", "outcomes", "closes"}
COUNTERS |= {"abnormal_closes", "retries", "reconnects", "pings_answered"}
FIELDS = [*sorted(fields_of(DIALECT)), "closes.1006", "closes.4000"]


def outlook(*tallies: Tally, planned: int = PLANNED, calls_each: int | None = 1, until_s: float = 0.0) -> Bounds:
    return Bounds(tallies, DIALECT, planned, calls_each, until_s)


def decided(bounds: Bounds, text: str) -> bool | None:
    expectation = Expectation.parse(text)
    return expectation.decided(bounds.range_of(expectation.field), bounds.planned)


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
        ("answered >= 90%", outlook(counted(gave_up=2)), None, "18 of 20 can still be answered"),
        ("answered >= 90%", outlook(counted(gave_up=3)), False, "17 are not 90 %"),
        ("gave_up < 10%", outlook(counted(gave_up=1)), None, "another may"),
        ("gave_up < 10%", outlook(counted(gave_up=1, answered=19)), True, "nobody is left who could"),
        ("started == 100%", outlook(counted(started=20)), True, "all have"),
        ("time_to_connected < 65s", outlook(until_s=64.0), None, "there is still time"),
        ("time_to_connected < 65s", outlook(until_s=65.0), False, "the time is over"),
        ("time_to_connected < 65s", outlook(counted(connected=20), until_s=80.0), True, "all were, after 1 s"),
        ("call_setup.p95 < 1s", outlook(calls(2.0)), None, "19 of 20 may still be fast"),
        ("call_setup.p95 < 1s", outlook(calls(2.0, 2.0)), False, "two of 20 are more than 5 %"),
        ("call_setup.p95 < 1s", outlook(calls(2.0, 2.0), calls_each=None), None, "who knows how many are to come"),
        ("call_setup.max < 1s", outlook(calls(2.0), calls_each=None), False, "one is enough for the maximum"),
        ("offer.p50 < 1s", outlook(calls(2.0)), None, "retries make as many as they like"),
        ("amplification <= 1.5", outlook(counted(**{"attempts.offer": 31})), False, "31 attempts of 20 softphones"),
        ("closes.1006 == 0", outlook(counted(**{"closes.1006": 1})), False, "one has been seen"),
        ("closes.1006 == 0", outlook(counted(**{"closes.1000": 1})), None, "none has been seen yet"),
        ("abnormal_closes == 0", outlook(counted(**{"abnormal_closes.reset": 1})), False, "of whatever cause"),
        ("rate_limited == 0", outlook(Tally(), counted(**{"outcomes.token.rate_limited": 1})), False, "in any tally"),
    ],
)
def test_what_is_certain(text: str, known: Bounds, certain: bool | None, why: str) -> None:
    assert decided(known, text) is certain, why


# Whatever happens next: what a run comes to is in the range that it was given at any time before.

durations = st.floats(0, 50, allow_nan=False)
attempts = st.builds(
    Attempt,
    step=st.sampled_from(["token", "handshake", "ready", "offer", "close"]),
    planned_s=st.just(1.0),
    began_s=st.floats(1, 2),
    ended_s=st.floats(2, 30),
    outcome=st.sampled_from(Outcome),
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


def facts_of(tally: Tally, planned: int) -> dict[str, float | None]:
    run = RunFacts("id", {"dialect": DIALECT}, [planned], 1, {}, {}, 0, {}, None, None)
    return facts(build(run, tally))


@settings(deadline=None, max_examples=60)
@given(lives, lives)
def test_what_a_run_comes_to_was_possible_all_along(before: Lives, after: Lives) -> None:
    planned = max(len(before) + len(after), 1)
    known = outlook(lived(before), planned=planned)
    whole = lived(before)
    whole.merge(lived(after))
    record = facts_of(whole, planned)
    outside = []
    for field in FIELDS:
        low, high = known.range_of(field)
        actual = record.get(field, 0)
        if actual is not None and not low <= actual <= high:
            outside.append((field, low, actual, high))
    assert outside == []


@settings(deadline=None, max_examples=30)
@given(lives)
def test_counters_are_those_of_the_record(softphones: Lives) -> None:
    """A counter that the outlook did not find would read 0 for ever, and nothing would be aborted by it."""
    tally = lived(softphones)
    known, record = outlook(tally, planned=max(len(softphones), 1)), facts_of(tally, max(len(softphones), 1))
    counters: Sequence[str] = [field for field in FIELDS if field.partition(".")[0] in COUNTERS]
    assert {field: known.range_of(field).low for field in counters} == {
        field: record.get(field, 0) for field in counters
    }
