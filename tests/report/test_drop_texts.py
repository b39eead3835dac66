"""The sentences on sessions that the edge ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.drop_texts import drop_sentences
from locust_softphone.report.formats.machine import machine_readable
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record, replaced


def with_drops(*explanations: tuple[str, float, float]) -> RunRecord:
    found: list[Any] = [{"kind": kind, "bounds": {"low": low, "high": high}} for kind, low, high in explanations]
    drops = {"sessions": 500, "dropped": 380, "first_s": 4.81, "last_s": 20.57, "explanations": found}
    return replaced(a_record(), drops=drops)


@pytest.mark.parametrize(
    ("explanation", "sentence"),
    [
        (("together", 9.07, 9.8), "at the same time, 9.1 to 9.8 s: all were dropped at once, as when a node fails"),
        (
            ("lifetime", 5.0, 5.02),
            "each 5.00 s to 5.02 s after it had opened: a deadline or an idle time-out",
        ),
        (
            ("evicted", 119.0, 121.0),
            "the oldest, when another one had opened, with 119 to 121 open: a cap that ends the oldest session",
        ),
        (
            ("crowded", 50.0, 50.0),
            "only those that opened while about 50 or more were open: a cap that accepts, and then ends",
        ),
        (("no call", 50.0, 50.0), "only those without an answered call: a deadline for the offer"),
    ],
)
def test_each_explanation_has_a_sentence(explanation: tuple[str, float, float], sentence: str) -> None:
    assert list(drop_sentences(with_drops(explanation))) == [
        "380 of 500 sessions were ended by the edge, from 4.8 s to 20.6 s",
        sentence,
    ]


def test_of_several_explanations_none_is_called_the_cause() -> None:
    *_, last = drop_sentences(with_drops(("crowded", 50.0, 50.0), ("no call", 50.0, 50.0)))
    assert last == "each of these holds for nearly all of them: one may be the cause, or all together"


@pytest.mark.parametrize("when", [("lifetime", 5.0, 5.0), ("together", 10.3, 10.5)])
def test_a_time_is_not_the_cause_if_only_some_sessions_ended(when: tuple[str, float, float]) -> None:
    which, then = list(drop_sentences(with_drops(when, ("no call", 50.0, 50.0))))[1:]
    assert which == "only those without an answered call: a deadline for the offer"
    assert then in ("each 5.00 s after it had opened", "at the same time, 10.3 to 10.5 s")


def test_drops_without_anything_in_common_are_not_explained() -> None:
    *_, last = drop_sentences(with_drops())
    assert last == "cannot tell why: no time, age or number of open sessions holds for nearly all of them"


def test_of_a_few_drops_nothing_is_said_but_that_they_are_few() -> None:
    drops = {"sessions": 200, "dropped": 3, "first_s": 12.2, "last_s": 12.3, "explanations": []}
    assert list(drop_sentences(replaced(a_record(), drops=drops))) == [
        "3 of 200 sessions were ended by the edge, from 12.2 s to 12.3 s",
        "too few to tell why: fewer than 5",
    ]


def test_programs_get_the_drops_too() -> None:
    with_and_without = [with_drops(("no call", 50.0, 50.0)), a_record("paced")]
    dropped, fine = json.loads(machine_readable(compare_runs(with_and_without)))["runs"]
    assert dropped["drops"]["explanations"][0]["kind"] == "no call"
    assert len(dropped["drops"]["sentences"]) == 2
    assert fine["drops"] is None
