"""Who is early, and for how long that is remembered."""

from __future__ import annotations

import pytest

from locust_softphone.edge.early_retries import FORGET_AFTER_S, EarlyRetryTracker
from locust_softphone.edge.http_request import Caller

ALICE, BOB = Caller("acme", "alice"), Caller("acme", "bob")


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
def test_early_is_before_the_told_instant(now: float, times_early: int) -> None:
    patience = EarlyRetryTracker()
    patience.told(ALICE, "offer", not_before=105.0, now=100.0)
    assert patience.times_early(ALICE, "offer", now) == times_early


def test_each_early_request_counts_over_all_steps() -> None:
    patience = EarlyRetryTracker()
    patience.told(ALICE, "handshake", not_before=105.0, now=100.0)
    patience.told(ALICE, "offer", not_before=105.0, now=100.0)
    assert [patience.times_early(ALICE, step, 101.0) for step in ("handshake", "offer", "offer")] == [1, 2, 3]


def test_nobody_pays_for_another_client_or_another_step() -> None:
    patience = EarlyRetryTracker()
    patience.told(ALICE, "offer", not_before=105.0, now=100.0)
    assert patience.times_early(BOB, "offer", 101.0) == 0
    assert patience.times_early(ALICE, "token", 101.0) == 0


def test_it_does_not_remember_everybody_for_ever() -> None:
    patience = EarlyRetryTracker()
    for number in range(100_000):
        patience.told(Caller("acme", str(number)), "offer", not_before=float(number), now=float(number))
    assert len(patience) < 5 * FORGET_AFTER_S


def test_it_remembers_everybody_who_is_waiting() -> None:
    patience = EarlyRetryTracker()
    for number in range(10_000):
        patience.told(Caller("acme", str(number)), "offer", not_before=5.0, now=0.0)
    assert all(patience.times_early(Caller("acme", str(number)), "offer", 1.0) == 1 for number in range(10_000))
