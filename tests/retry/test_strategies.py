"""Retry-After, back-off and jitter: tables of cases, no sleeping."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import RetryCallState
from tenacity.stop import stop_never

from locust_softphone.config.behaviour import Retry, presets
from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.retry.strategies import backoff_s, is_retryable, parse_retry_after, reset_s, retrying, wait_s

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
SENT = "Tue, 14 Nov 2023 22:13:20 GMT"


def a_retry(**overrides: Any) -> Retry:
    return Retry.model_validate({**presets()["sdk-2.3.1"].retry.model_dump(mode="json", by_alias=True), **overrides})


@pytest.mark.parametrize(
    ("value", "date", "expected", "why"),
    [
        (None, None, None, "absent"),
        ("2", None, 2.0, "delta-seconds"),
        (" 2 ", None, 2.0, "white space around a field value is no part of it"),
        ("0", None, 0.0, "zero is valid, and not the same as absent"),
        ("007", None, 7.0, "leading zeros are digits"),
        ("-1", None, None, "no sign in the grammar"),
        ("+1", None, None, "no sign in the grammar"),
        ("1.5", None, None, "no fractions in the grammar"),
        ("1e3", None, None, "no exponents"),
        ("²", None, None, "a digit to str.isdigit, not to the grammar"),
        ("٣", None, None, "Arabic-Indic digit"),
        ("", None, None, "empty"),
        ("soon", None, None, "garbage"),
        ("nan", None, None, "a float to Python"),
        ("9" * 5000, None, None, "too long to mean anything, and past Python's limit for int()"),
        ("Tue, 14 Nov 2023 22:13:27 GMT", SENT, 7.0, "IMF-fixdate"),
        ("Tuesday, 14-Nov-23 22:13:27 GMT", SENT, 7.0, "RFC 850 date"),
        ("Tue Nov 14 22:13:27 2023", SENT, 7.0, "asctime date"),
        ("Tue, 14 Nov 2023 22:13:10 GMT", SENT, 0.0, "in the past: now"),
        ("Tue, 14 Nov 2023 22:13:27 GMT", None, 7.0, "no Date: read against our clock"),
        ("Tue, 14 Nov 2023 22:13:27 GMT", "yesterday", 7.0, "a Date that is none: read against our clock"),
        ("Tue, 14 Nov 2023 22:13:27 GMT", "Tue, 14 Nov 2023 22:13:22 GMT", 5.0, "the edge's clock is ahead of ours"),
        ("Tue, 14 Nov 2023 23:13:27 +0100", SENT, 7.0, "a zone is no HTTP-date, but not ambiguous either"),
        ("Fri, 99 Foo 9999 99:99:99 GMT", SENT, None, "a date that is none"),
    ],
)
def test_parse_retry_after(value: str | None, date: str | None, expected: float | None, why: str) -> None:
    assert parse_retry_after(value, date=date, now=NOW) == expected, why


@given(st.text(max_size=200), st.one_of(st.none(), st.text(max_size=200)))
def test_parse_retry_after_never_raises_and_is_never_negative(value: str, date: str | None) -> None:
    parsed = parse_retry_after(value, date=date, now=NOW)
    assert parsed is None or parsed >= 0


def test_reset_counts_only_when_nothing_remains() -> None:
    assert reset_s({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3"}) == 3.0
    assert reset_s({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "3"}) is None
    assert reset_s({"x-ratelimit-remaining": "0"}) is None
    assert reset_s({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}) is None
    assert reset_s({}) is None


def test_backoff_is_the_reported_one_two_four() -> None:
    assert [backoff_s(a_retry(), tries) for tries in (1, 2, 3)] == [1.0, 2.0, 4.0]


def test_backoff_is_capped_and_survives_any_number_of_tries() -> None:
    retry = a_retry(max_wait="5s")
    assert [backoff_s(retry, tries) for tries in (3, 4, 10_000)] == [4.0, 5.0, 5.0]
    assert backoff_s(a_retry(initial="0s"), 10_000) == 0.0


@pytest.mark.parametrize(
    ("overrides", "headers", "least", "most", "why"),
    [
        ({}, {}, 1.0, 1.0, "none: exactly the back-off"),
        ({"jitter": "full"}, {}, 0.0, 1.0, "full: anything up to it"),
        ({"jitter": "equal"}, {}, 0.5, 1.0, "equal: half of it, and anything up to the other half"),
        ({}, {"retry-after": "9"}, 1.0, 1.0, "ignored unless honoured"),
        ({"retry_after": "honour"}, {"retry-after": "9"}, 9.0, 9.0, "honoured: the told wait"),
        ({"retry_after": "honour"}, {"retry-after": "0"}, 0.0, 0.0, "0 is an answer: at once"),
        ({"retry_after": "honour"}, {}, 1.0, 1.0, "honoured but absent: the back-off"),
        ({"retry_after": "honour"}, {"retry-after": "x"}, 1.0, 1.0, "honoured but garbage: the back-off"),
        ({"retry_after": "honour", "jitter": "full"}, {"retry-after": "9"}, 9.0, 10.0, "jitter behind, never before"),
        ({"retry_after": "add"}, {"retry-after": "9"}, 10.0, 10.0, "added: told wait and back-off"),
        ({"retry_after": "honour", "retry_after_cap": "5s"}, {"retry-after": "900"}, 5.0, 5.0, "capped"),
        (
            {"remaining": "honour"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"},
            7.0,
            7.0,
            "nothing remains: not before the reset",
        ),
    ],
)
def test_wait(overrides: dict[str, str], headers: dict[str, str], least: float, most: float, why: str) -> None:
    rng = random.Random(1)
    waits = [wait_s(a_retry(**overrides), 1, headers, now=NOW, uniform=rng.uniform) for _ in range(500)]
    assert min(waits) >= least, why
    assert max(waits) <= most, why
    assert max(waits) - min(waits) >= 0.9 * (most - least), why


class StopOrder(Exception):
    """As Locust's StopUser and RescheduleTask: an Exception that must never be retried."""


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (AttemptFailed(Outcome.RATE_LIMITED, status=429), True),
        (AttemptFailed(Outcome.UNAVAILABLE, status=503), True),
        (AttemptFailed(Outcome.LOST, close_code=1006), True),
        (AttemptFailed(Outcome.CONNECT_REFUSED), True),
        (AttemptFailed(Outcome.REJECTED, status=409), True),
        (AttemptFailed(Outcome.REJECTED, status=400), False),
        (AttemptFailed(Outcome.REDIRECTED, status=302), False),
        (AttemptFailed(Outcome.BAD_ANSWER, status=201), False),
        (StopOrder(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_is_retryable(failure: BaseException, expected: bool) -> None:
    assert is_retryable(failure) is expected


class Tries:
    """Runs the tenacity engine on a list of failures, and notes what it slept."""

    def __init__(self, retry: Retry, *failures: Exception) -> None:
        self.slept: list[float] = []
        self.calls = 0
        self._failures = list(failures)
        self._engine = retrying(
            retry,
            renews=retry.unauthorized == "renew",
            failures=lambda: self.calls,
            sleep=self.slept.append,
            before_sleep=self._ignore,
            out_of_time=stop_never,
            now=lambda: NOW,
            uniform=lambda low, high: high,
        )

    def _ignore(self, state: RetryCallState) -> None:
        """Nobody needs to be told."""

    def run(self) -> None:
        self._engine(self._call)

    def _call(self) -> None:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)


def test_the_engine_backs_off_one_two_four_and_then_raises_the_failure_itself() -> None:
    last = AttemptFailed(Outcome.RATE_LIMITED, status=429)
    tries = Tries(a_retry(), *[AttemptFailed(Outcome.LOST)] * 3, last)
    with pytest.raises(AttemptFailed) as caught:
        tries.run()
    assert caught.value is last
    assert tries.slept == [1.0, 2.0, 4.0]
    assert tries.calls == 4


def test_the_engine_stops_when_a_try_succeeds() -> None:
    tries = Tries(a_retry(), AttemptFailed(Outcome.LOST))
    tries.run()
    assert (tries.calls, tries.slept) == (2, [1.0])


def test_a_stop_order_passes_through_at_once() -> None:
    tries = Tries(a_retry(), StopOrder())
    with pytest.raises(StopOrder):
        tries.run()
    assert tries.slept == []


def test_a_browser_cannot_see_the_headers_of_a_refused_upgrade() -> None:
    refused = AttemptFailed(Outcome.RATE_LIMITED, status=429, close_code=1006, headers={"retry-after": "9"})
    for visible, expected in (("visible", 9.0), ("hidden", 1.0)):
        tries = Tries(a_retry(retry_after="honour", upgrade_headers=visible), refused)
        tries.run()
        assert tries.slept == [expected], visible
