"""The two latencies of an attempt."""

from __future__ import annotations

from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome


def test_service_time_is_from_the_actual_start_and_response_time_from_the_planned_one() -> None:
    attempt = Attempt("offer", planned_s=1.0, began_s=1.5, ended_s=2.25, outcome=Outcome.OK)
    assert attempt.service_s == 0.75
    assert attempt.response_s == 1.25
