"""Which requests are early, and how long the edge remembers a client."""

from __future__ import annotations

import pytest

from locust_softphone.limits.early_retries import FORGET_AFTER_S, EarlyRetryTracker

ALICE, BOB = "alice", "bob"


@pytest.mark.parametrize(
    ("now", "times_early"),
    [
        (100.0, 1),
        (104.9, 1),
        (104.96, 0),  # within the tolerance of 50 ms
        (105.0, 0),
        (200.0, 0),
    ],
)
def test_a_request_before_the_retry_time_is_early(now: float, times_early: int) -> None:
    tracker = EarlyRetryTracker()
    tracker.must_wait(ALICE, "offer", not_before=105.0, now=100.0)
    assert tracker.times_early(ALICE, "offer", now) == times_early


def test_early_requests_of_all_steps_are_counted_together() -> None:
    tracker = EarlyRetryTracker()
    tracker.must_wait(ALICE, "handshake", not_before=105.0, now=100.0)
    tracker.must_wait(ALICE, "offer", not_before=105.0, now=100.0)
    assert [tracker.times_early(ALICE, step, 101.0) for step in ("handshake", "offer", "offer")] == [1, 2, 3]


def test_another_client_or_another_step_is_not_early() -> None:
    tracker = EarlyRetryTracker()
    tracker.must_wait(ALICE, "offer", not_before=105.0, now=100.0)
    assert tracker.times_early(BOB, "offer", 101.0) == 0
    assert tracker.times_early(ALICE, "token", 101.0) == 0


def test_clients_that_have_been_quiet_for_long_are_forgotten() -> None:
    tracker = EarlyRetryTracker()
    for number in range(100_000):
        tracker.must_wait(str(number), "offer", not_before=float(number), now=float(number))
    assert len(tracker) < 5 * FORGET_AFTER_S


def test_clients_that_still_have_to_wait_are_remembered() -> None:
    tracker = EarlyRetryTracker()
    for number in range(10_000):
        tracker.must_wait(str(number), "offer", not_before=5.0, now=0.0)
    assert all(tracker.times_early(str(number), "offer", 1.0) == 1 for number in range(10_000))
