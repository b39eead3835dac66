"""Retry-After and the rate-limit headers: a table of values, and hostile ones."""

from __future__ import annotations

from http.client import HTTPMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice, ToldLimit
from locust_softphone.limits.decision import Decision
from locust_softphone.limits.refusal import Reset, ietf_headers, inin_headers, x_ratelimit_headers

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
SENT = "Tue, 14 Nov 2023 22:13:20 GMT"

HEADERS = (
    *(f"{family}-{name}" for family in ("x-ratelimit", "ratelimit") for name in ("remaining", "reset")),
    *(f"inin-ratelimit-{name}" for name in ("count", "allowed", "reset")),
    "ratelimit",
    "date",
)


def headers(value: str | None, date: str | None) -> dict[str, str]:
    present = {"retry-after": value, "date": date}
    return {name: text for name, text in present.items() if text is not None}


@pytest.mark.parametrize(
    ("value", "date", "expected", "why"),
    [
        (None, None, None, "absent"),
        ("2", None, 2.0, "delta-seconds"),
        (" 2 ", None, 2.0, "white space around a field value is not part of it"),
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
        ("Tue, 14 Nov 2023 22:13:27 GMT", "yesterday", 7.0, "a Date that cannot be parsed: read against our clock"),
        ("Tue, 14 Nov 2023 22:13:27 GMT", "Tue, 14 Nov 2023 22:13:22 GMT", 5.0, "the edge's clock is ahead of ours"),
        (
            "Tue, 14 Nov 2023 23:13:27 +0100",
            SENT,
            7.0,
            "not an HTTP-date because of the zone, but not ambiguous either",
        ),
        ("7, 7", None, 7.0, "twice the same"),
        ("7, 30 ,2", None, 30.0, "of different ones the longest"),
        ("soon, 7", None, 7.0, "one that cannot be read does not hide the other"),
        ("Tue, 14 Nov 2023 22:13:27 GMT, Tue, 14 Nov 2023 22:13:27 GMT", SENT, 7.0, "a date twice"),
        ("Tue, 14 Nov 2023 22:13:27 GMT", f"{SENT}, {SENT}", 7.0, "a Date twice"),
        ("Tuesday, 14-Nov-23 22:13:27 GMT, 9", SENT, 9.0, "a date and a number"),
        ("9, Tue Nov 14 22:13:27 2023", SENT, 9.0, "a number and a date"),
        ("Fri, 99 Foo 9999 99:99:99 GMT", SENT, None, "not a date"),
    ],
)
def test_retry_after(value: str | None, date: str | None, expected: float | None, why: str) -> None:
    assert LimitAdvice.from_headers(headers(value, date), NOW).retry_after_s == expected, why


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("Tue, 14 Nov 2023 22:13:27 GMT", None, True),
        ("Tue, 14 Nov 2023 22:13:27 GMT", "yesterday", True),
        ("Tue, 14 Nov 2023 22:13:27 GMT", SENT, False),
        ("7", None, False),
        ("soon", None, False),
    ],
)
def test_the_advice_says_whether_our_own_clock_was_used(value: str, date: str | None, expected: bool) -> None:
    assert LimitAdvice.from_headers(headers(value, date), NOW).by_own_clock is expected


@given(st.text(max_size=200), st.one_of(st.none(), st.text(max_size=200)))
def test_any_text_is_read_without_an_error_and_never_as_a_negative_wait(value: str, date: str | None) -> None:
    told_s = LimitAdvice.from_headers(headers(value, date), NOW).retry_after_s
    assert told_s is None or told_s >= 0


@pytest.mark.parametrize(
    ("sent", "reset_s", "read_as"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3"}, 3.0, "seconds"),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3.5"}, 3.5, "seconds"),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "86400"}, 86400.0, "seconds"),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000007"}, 7.0, "epoch_s"),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000007.25"}, 7.25, "epoch_s"),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000007250"}, 7.25, "epoch_ms"),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1600000000"}, 0.0, "epoch_s"),  # in the past
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000007000000"}, None, None),  # nobody means that
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1700000007"}, 7.0, "epoch_s"),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9"}, 9.0, "seconds"),  # the draft until its version 6
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "3"}, None, None),
        ({"x-ratelimit-remaining": "0"}, None, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None, None),
        ({"x-ratelimit-remaining": "10", "x-ratelimit-reset": "3"}, None, None),
        ({"x-ratelimit-remaining": "3, 0", "x-ratelimit-reset": "1, 2"}, 2.0, "seconds"),
        (
            {"inin-ratelimit-count": "300", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "61"},
            61.0,
            "inin_ratelimit",
        ),
        ({"inin-ratelimit-count": "1", "inin-ratelimit-allowed": "180", "inin-ratelimit-reset": "61"}, None, None),
        ({"inin-ratelimit-count": "300", "inin-ratelimit-reset": "61"}, None, None),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0, "ratelimit"),
        ({"ratelimit": '"a, b;r=0" ; r=0 ; t=30'}, 30.0, "ratelimit"),
        ({"ratelimit": '"burst";r=0;t=2, "daily";r=0;t=3600'}, 3600.0, "ratelimit"),
        ({"ratelimit": '"burst";r=5;t=2, "daily";t=3600;r=0'}, 3600.0, "ratelimit"),
        ({"ratelimit": '"default";r=1;t=30'}, None, None),
        ({"ratelimit": '"default";r=0'}, None, None),
        ({"ratelimit": '"default'}, None, None),
        (
            {"ratelimit": '"default";r=0;t=30', "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000040"},
            40.0,
            "epoch_s",
        ),  # the longest
    ],
)
def test_the_reset_counts_only_when_nothing_remains(
    sent: dict[str, str], reset_s: float | None, read_as: str | None
) -> None:
    advice = LimitAdvice.from_headers({**sent, "date": SENT}, NOW + 1000.0)
    assert (advice.retry_after_s, advice.reset_s, advice.reset_read_as, advice.by_own_clock) == (
        None,
        reset_s,
        read_as,
        False,
    )


def test_an_epoch_is_read_against_our_own_clock_if_there_is_no_date() -> None:
    sent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000007"}
    assert LimitAdvice.from_headers(sent, NOW) == LimitAdvice(None, 7.0, True, "epoch_s")


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text(max_size=100) | st.from_regex(r'"a";r=0;t=\d{1,30}')))
def test_any_headers_are_read_without_an_error_and_never_as_a_negative_wait(sent: dict[str, str]) -> None:
    advice = LimitAdvice.from_headers(sent, NOW)
    assert advice.reset_s is None or advice.reset_s >= 0
    assert (advice.reset_s is None) == (advice.reset_read_as is None)


@pytest.mark.parametrize("reset", ["seconds", "epoch-s", "epoch-ms"])
def test_what_refusal_writes_is_read(reset: Reset) -> None:
    decision = Decision(False, quota=10, remaining=0, wait_s=7.0, reset_s=7.0)
    written = {
        **x_ratelimit_headers(decision, reset, NOW),
        **inin_headers(decision),
        **ietf_headers(decision, 60.0),
    }
    sent = {name.lower(): value for name, value in written.items()}
    for family in ("x-ratelimit", "inin-ratelimit", "ratelimit"):
        of_family = {name: value for name, value in sent.items() if name.startswith(family)}
        advice = LimitAdvice.from_headers({**of_family, "date": SENT}, NOW)
        assert (advice.reset_s, advice.reset_read_as) == (
            7.0,
            (reset if family == "x-ratelimit" else family).replace("-", "_"),
        )
        assert advice.limit == ToldLimit(10, 60.0 if family == "ratelimit" else None)


def test_both_kinds_of_advice_can_be_in_one_response() -> None:
    sent = {"retry-after": "4", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
    assert LimitAdvice.from_headers(sent, NOW) == LimitAdvice(4.0, 60.0, reset_read_as="seconds")


def test_a_mapping_that_ignores_case_is_read() -> None:
    response = HTTPMessage()  # as of urllib and http.client
    response["Retry-After"] = "7"
    assert LimitAdvice.from_headers(response, NOW).retry_after_s == 7.0  # type: ignore[arg-type]


def test_a_response_without_such_headers_has_no_advice() -> None:
    assert LimitAdvice.from_headers({"date": SENT}, NOW) is NO_ADVICE
