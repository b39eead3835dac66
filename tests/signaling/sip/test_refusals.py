"""Refusals in SIP as outcomes, and their Retry-After."""

from __future__ import annotations

import pytest

from locust_softphone.retry.strategies import is_retryable
from locust_softphone.signaling.dialects.sip.refusals import refusal_of
from locust_softphone.sip_text import parse_sip


@pytest.mark.parametrize(
    ("written", "seconds"),
    [  # RFC 3261 20.33
        ("18000;duration=3600", 18000.0),
        ("120 (I'm in a meeting)", 120.0),
        ("120 (I'm in a meeting);duration=60", 120.0),
        ("0", 0.0),
        ("-1", None),
        ("soon", None),
        ("Tue, 14 Nov 2023 22:13:27 GMT", None),  # HTTP's, not SIP's
        ("99999999999", None),
    ],
)
def test_retry_after(written: str, seconds: float | None) -> None:
    failed = refusal_of(parse_sip(f"SIP/2.0 503 Busy\r\nRetry-After: {written}\r\n\r\n"))
    assert failed.advice.retry_after_s == seconds


@pytest.mark.parametrize(
    ("status", "outcome", "again"),
    [
        (401, "unauthorized", False),
        (403, "unauthorized", False),
        (404, "rejected", False),
        (407, "unauthorized", False),
        (408, "rejected", True),
        (429, "rejected", False),  # Provide Referrer Identity, RFC 3892
        (480, "rejected", True),
        (486, "rejected", True),
        (500, "server_error", True),
        (503, "unavailable", True),
        (603, "rejected", False),
    ],
)
def test_outcomes_and_whether_they_are_tried_again(status: int, outcome: str, again: bool) -> None:
    failed = refusal_of(parse_sip(f"SIP/2.0 {status} X\r\n\r\n"))
    assert (failed.outcome.value, failed.status) == (outcome, status)
    assert is_retryable(failed, renews=False) is again
