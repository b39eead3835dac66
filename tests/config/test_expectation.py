"""Expectations: how they are written, what is refused, and when one holds."""

from __future__ import annotations

import re
from math import inf

import pytest

from locust_softphone.config.expectation import Expectation
from locust_softphone.metrics.bounds import Range
from locust_softphone.metrics.catalogue import KINDS


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
def test_an_expectation_is_read_and_written_back(text: str, expectation: Expectation, canonical: str) -> None:
    assert Expectation.parse(text) == expectation
    assert str(expectation) == canonical
    assert Expectation.parse(canonical) == expectation


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", '"" is not an expectation, write one such as answered == 100%'),
        ("answered", '"answered" is not an expectation, write one such as answered == 100%'),
        ("answered == ", '"answered == " is not an expectation, write one such as answered == 100%'),
        ("answered is 100%", '"answered is 100%" is not an expectation, write one such as answered == 100%'),
        ("answered == 1 or 2", '"answered == 1 or 2" is not an expectation, write one such as answered == 100%'),
        ("answerd == 5", "answerd is not a metric, did you mean answered?"),
        ("call_setup.p98 < 1s", "call_setup.p98 is not a metric, did you mean call_setup.p99?"),
        ("ofer.p95 < 1s", "ofer.p95 is not a metric, did you mean offer.p95?"),
        ("close.1006 == 0", "close.1006 is not a metric, did you mean closes.1006?"),
        ("closes.7 == 0", "closes.7 is not a metric, did you mean closes?"),
        ("answered = 5", "= is not a comparison, did you mean ==?"),
        ("answered => 5", "=> is not a comparison, use one of == != <= < >= >"),
        ("answered == 99.5", 'answered cannot be compared with "99.5", write 99% or 500'),
        ("answered == nan", 'answered cannot be compared with "nan", write 99% or 500'),
        ("answered == -1", 'answered cannot be compared with "-1", write 99% or 500'),
        ("rate_limited < 5%", 'rate_limited cannot be compared with "5%", write 0'),  # of what?
        ("rate_limited < 5s", 'rate_limited cannot be compared with "5s", write 0'),
        ("amplification < 2x", 'amplification cannot be compared with "2x", write 1.5'),
        ("call_setup.p95 < 800", '"800" is not a duration, write 800ms or 800s'),
        ("start_lag.max < 5%", '"5%" is not a duration, write 250ms, 60s, 2m or 1m30s'),
    ],
)
def test_a_bad_expectation_is_refused_with_advice(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        Expectation.parse(text)


def test_an_unknown_metric_without_a_near_one_lists_what_names_begin_with() -> None:
    with pytest.raises(ValueError, match=r"^xyz is not a metric, metrics begin with abnormal_closes, .*unfinished$"):
        Expectation.parse("xyz == 5")


@pytest.mark.parametrize(
    ("entry", "expectation"),
    [
        ("rate_limited == 0", Expectation("rate_limited", "==", 0)),
        ({"expect": "rate_limited == 0"}, Expectation("rate_limited", "==", 0)),
        ({"expect": "rate_limited == 0", "abort": False}, Expectation("rate_limited", "==", 0)),
        ({"expect": "rate_limited == 0", "abort": True}, Expectation("rate_limited", "==", 0, abort=True)),
    ],
)
def test_an_entry_of_a_profile_is_a_text_or_a_mapping(entry: object, expectation: Expectation) -> None:
    assert Expectation.read(entry) == expectation
    assert Expectation.read(expectation.plain()) == expectation
    assert str(expectation) == "rate_limited == 0"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"expect": "rate_limited == 0", "abortt": True}, '"abortt" is an unknown key, did you mean abort?'),
        ({"expect": "rate_limited == 0", "abort": "yes"}, 'abort must be true or false, not "yes"'),
        ({"abort": True}, "has no expectation, write one such as {expect: rate_limited == 0, abort: true}"),
        ({"expect": "rate_limit == 0", "abort": True}, "rate_limit is not a metric, did you mean rate_limited?"),
        ({"rate_limited": 0}, "a mapping is not an expectation, write one such as answered == 100%"),
        (5, "5 is not an expectation, write one such as answered == 100%"),
    ],
)
def test_a_bad_entry_is_refused(entry: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        Expectation.read(entry)


@pytest.mark.parametrize(
    ("text", "metrics", "held"),
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
        # Close codes are not all listed: one that is not there has not been seen.
        ("closes.1006 == 0", {"closes": 3}, True),
        ("closes.1006 == 0", {"closes": 3, "closes.1006": 1}, False),
    ],
)
def test_when_an_expectation_holds(text: str, metrics: dict[str, float | None], held: bool) -> None:
    assert Expectation.parse(text).check(metrics) is held


@pytest.mark.parametrize(
    ("text", "low", "high", "certain"),
    [
        # A counter that can only grow.
        ("rate_limited == 0", 0, inf, None),
        ("rate_limited == 0", 1, inf, False),
        ("rate_limited == 5", 3, inf, None),
        ("rate_limited <= 5", 5, inf, None),
        ("rate_limited <= 5", 6, inf, False),
        ("rate_limited < 5", 5, inf, False),
        ("rate_limited > 5", 6, inf, True),
        ("rate_limited >= 5", 5, inf, True),
        ("rate_limited >= 5", 4, inf, None),
        ("rate_limited != 5", 5, inf, None),
        ("rate_limited != 5", 6, inf, True),
        # Softphones, of which there are 200.
        ("answered >= 99%", 0, 198, None),
        ("answered >= 99%", 0, 197, False),
        ("answered >= 99%", 198, 200, True),
        ("answered == 100%", 200, 200, True),
        ("answered == 100%", 150, 199, False),
        ("answered != 100%", 200, 200, False),
        ("gave_up < 10", 0, 9, True),
        ("time_to_connected < 65s", 64.9, inf, None),
        ("time_to_connected < 65s", 65.0, inf, False),
        ("time_to_connected < 65s", 12.5, 12.5, True),
    ],
)
def test_what_is_already_decided_during_a_run(text: str, low: float, high: float, certain: bool | None) -> None:
    assert Expectation.parse(text).decided(Range(low, high), 200) is certain


def test_every_metric_can_be_expected() -> None:
    values = {"softphones": "99%", "count": "0", "ratio": "1.5", "seconds": "800ms"}
    for metric, kind in KINDS.items():
        text = f"{metric} <= {values[kind]}"
        assert str(Expectation.parse(text)) == text
