"""Tallies: what is counted, and merging them without loss."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Tally


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
    close_code=st.none(),
    foreign=st.just(False),
    softphone=st.just(7),
    advice=st.just(NO_ADVICE),
)


def sent(tally: Tally) -> Tally:
    """The tally as the master has it: packed and unpacked the way Locust does."""
    return Tally.from_plain(msgpack.unpackb(msgpack.packb(tally.to_plain()), raw=False, strict_map_key=False))


def test_both_latencies_of_an_attempt_are_kept() -> None:
    tally = Tally()
    tally.attempt(an_attempt(planned_s=1.0, began_s=1.5, ended_s=2.25))
    assert tally.latencies["offer.service"].summary()["max"] == pytest.approx(0.75, rel=1e-3)
    assert tally.latencies["offer"].summary()["max"] == pytest.approx(1.25, rel=1e-3)


def test_an_answered_call_is_counted_when_it_ends_and_timed_in_the_second_it_was_planned_for() -> None:
    tally = Tally()
    tally.call(1.9, 2.0, 4.9)
    assert tally.timeline == {4: {"calls.answered": 1}}
    assert tally.latencies["call_setup"].summary()["max"] == pytest.approx(3.0, rel=1e-3)
    assert tally.latencies["call_setup.service"].summary()["max"] == pytest.approx(2.9, rel=1e-3)
    assert list(tally.setup_times) == [1]
    assert tally.setup_times[1].percentile_s(50) == pytest.approx(3.0, rel=0.016)


def test_the_last_second_is_that_of_an_event_or_of_a_planned_call() -> None:
    tally = Tally()
    assert tally.last_second() == -1
    tally.count("started", 3.5)
    assert tally.last_second() == 3
    tally.setup_times[7].record(0.1)
    assert tally.last_second() == 7


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
    assert tally.timeline == {1: {"attempts.offer": 3}, 2: {"rate_limited.offer": 1}}


def test_a_cancelled_attempt_has_no_latency() -> None:
    tally = Tally()
    tally.attempt(an_attempt(outcome=Outcome.CANCELLED))
    assert tally.counts["attempts.offer"] == 1
    assert not tally.latencies


def test_the_first_and_the_last_time_of_each_event_are_kept() -> None:
    tally = Tally()
    for at_s in (2.5, -0.01, 7.25, 3.0):
        tally.count("connected", at_s)
    tally.count("pings_answered", 4.0, by=3)
    assert (tally.first_s["connected"], tally.last_s["connected"]) == (-0.01, 7.25)
    assert tally.counts == {"connected": 4, "pings_answered": 3}
    one = {"connected": 1}
    assert tally.timeline == {0: one, 2: one, 3: one, 4: {"pings_answered": 3}, 7: one}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), ATTEMPTS), max_size=30))
def test_merged_tallies_of_workers_equal_one_tally_of_everything(work: list[tuple[int, Attempt]]) -> None:
    everything, merged = Tally(), Tally()
    workers = [Tally() for _ in range(4)]
    for worker, attempt in work:
        for tally in (workers[worker], everything):
            tally.attempt(attempt)
            tally.retry(RetryAfterSample(attempt.step, attempt.planned_s, attempt.began_s))
            tally.setup_times[int(attempt.planned_s)].record(attempt.service_s)
    for each in workers:
        merged.merge(sent(each))
    assert everything_in(merged) == everything_in(everything)


def everything_in(tally: Tally) -> dict[str, Any]:
    """A tally in full, whatever order it came about in."""
    plain = tally.to_plain()
    buckets = {name: sorted(zip(row[::2], row[1::2], strict=True)) for name, row in plain["latencies"].items()}
    observations = {name: sorted(each.exact(), key=repr) for name, each in tally.observations.items()}
    setup_times = sorted(map(sorted, plain["setup_times"]))
    return {**plain, "latencies": buckets, "setup_times": setup_times, "observations": observations}


def test_counting_after_a_merge_does_not_change_the_merged_tally() -> None:
    received, merged = Tally(), Tally()
    received.count("started", 1.0)
    merged.merge(received)
    merged.count("started", 2.0)
    assert received.counts == {"started": 1}
    assert received.timeline == {1: {"started": 1}}


def test_an_empty_tally_can_be_sent() -> None:
    assert sent(Tally()).to_plain() == Tally().to_plain()


def test_it_is_counted_how_a_reset_was_read() -> None:
    tally = Tally()
    for reset_read_as in ("epoch_ms", "epoch_ms", None):
        tally.attempt(an_attempt(advice=LimitAdvice(reset_s=1.0, reset_read_as=reset_read_as)))
    assert {name: n for name, n in tally.counts.items() if name.startswith("resets")} == {"resets.epoch_ms": 2}
