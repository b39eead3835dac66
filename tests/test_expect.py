"""Expectations: what can be written, what is refused and why, and when one holds."""

from __future__ import annotations

import re

import pytest

from locust_softphone.expect import FIELDS, PATTERN, Expectation


@pytest.mark.parametrize(
    ("text", "expectation", "canonical"),
    [
        ("rate_limited == 0", Expectation("rate_limited", "==", 0), "rate_limited == 0"),
        ("rate_limited.offer>0", Expectation("rate_limited.offer", ">", 0), "rate_limited.offer > 0"),
        ("answered == 100%", Expectation("answered", "==", 100, True), "answered == 100%"),
        ("answered >= 99.5%", Expectation("answered", ">=", 99.5, True), "answered >= 99.5%"),
        ("connected < 500", Expectation("connected", "<", 500), "connected < 500"),
        ("amplification <= 1.5", Expectation("amplification", "<=", 1.5), "amplification <= 1.5"),
        ("time_to_connected < 1m5s", Expectation("time_to_connected", "<", 65.0), "time_to_connected < 65s"),
        ("call_setup.p95 < 800ms", Expectation("call_setup.p95", "<", 0.8), "call_setup.p95 < 800ms"),
        ("attempts != 123456789012", Expectation("attempts", "!=", 123456789012), "attempts != 123456789012"),
    ],
)
def test_parse(text: str, expectation: Expectation, canonical: str) -> None:
    assert Expectation.parse(text) == expectation
    assert str(expectation) == canonical
    assert Expectation.parse(canonical) == expectation
    assert re.search(PATTERN, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", '"" is no expectation, write one such as answered == 100%'),
        ("answered", '"answered" is no expectation, write one such as answered == 100%'),
        ("answered == ", '"answered == " is no expectation, write one such as answered == 100%'),
        ("answered is 100%", '"answered is 100%" is no expectation, write one such as answered == 100%'),
        ("answered == 1 or 2", '"answered == 1 or 2" is no expectation, write one such as answered == 100%'),
        ("answerd == 5", "answerd is no field of a run, did you mean answered?"),
        ("call_setup.p90 < 1s", "call_setup.p90 is no field of a run, did you mean call_setup.p99?"),
        ("answered = 5", "= is no comparison, use one of == != <= < >= >"),
        ("answered => 5", "=> is no comparison, use one of == != <= < >= >"),
        ("answered == 99.5", 'answered cannot be compared with "99.5", write 99% or 500'),
        ("answered == nan", 'answered cannot be compared with "nan", write 99% or 500'),
        ("answered == -1", 'answered cannot be compared with "-1", write 99% or 500'),
        ("rate_limited < 5%", 'rate_limited cannot be compared with "5%", write 0'),  # of what?
        ("rate_limited < 5s", 'rate_limited cannot be compared with "5s", write 0'),
        ("amplification < 2x", 'amplification cannot be compared with "2x", write 1.5'),
        ("call_setup.p95 < 800", '"800" is no duration, write 800s'),
        ("start_lag.max < 5%", '"5%" is no duration, write 250ms, 60s, 2m or 1m30s'),
    ],
)
def test_parse_refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        Expectation.parse(text)


def test_a_field_that_is_far_from_any_lists_them_all() -> None:
    with pytest.raises(ValueError, match=r"^xyz is no field of a run, there are abnormal_closes, .*unfinished$"):
        Expectation.parse("xyz == 5")


@pytest.mark.parametrize(
    ("text", "facts", "held"),
    [
        ("rate_limited == 0", {"rate_limited": 0}, True),
        ("rate_limited == 0", {"rate_limited": 1}, False),
        ("rate_limited != 0", {"rate_limited": 1}, True),
        ("retries <= 2", {"retries": 2}, True),
        ("retries < 2", {"retries": 2}, False),
        ("retries >= 2", {"retries": 2}, True),
        ("retries > 2", {"retries": 2}, False),
        ("call_setup.p95 < 800ms", {"call_setup.p95": 0.799}, True),
        ("answered == 100%", {"answered": 500, "planned": 500}, True),
        ("answered == 100%", {"answered": 499, "planned": 500}, False),
        ("answered >= 99%", {"answered": 495, "planned": 500}, True),
        ("answered == 100%", {"answered": 999_999, "planned": 1_000_000}, False),  # no rounding up to all
        ("gave_up == 30%", {"gave_up": 3, "planned": 10}, True),  # 3 / 10 * 100 is not 30 in floats
        # Not measured, or never happened: nothing holds.
        ("time_to_connected < 65s", {"time_to_connected": None}, False),
        ("time_to_connected != 65s", {"time_to_connected": None}, False),
        ("rate_limited == 0", {"rate_limited": None}, False),
        ("rate_limited == 0", {}, False),
        ("answered == 100%", {"answered": 5}, False),  # of how many?
    ],
)
def test_check(text: str, facts: dict[str, float | None], held: bool) -> None:
    assert Expectation.parse(text).check(facts) is held


def test_every_field_can_be_written() -> None:
    values = {"softphones": "99%", "count": "0", "ratio": "1.5", "seconds": "800ms"}
    for field, kind in FIELDS.items():
        text = f"{field} <= {values[kind]}"
        assert str(Expectation.parse(text)) == text
        assert re.search(PATTERN, text)
