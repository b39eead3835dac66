"""Best and worst of each column: nobody is the best for having given up early."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import COLUMNS, run_of, side_by_side
from locust_softphone.report.marks import marks
from tests.runs.records import a_record


def marked(fact: str, *records: dict[str, Any]) -> list[str]:
    """The marks of these runs in the column of a fact."""
    column = [column.fact for column in COLUMNS].index(fact)
    return [row[column] for row in marks(side_by_side([run_of(record) for record in records]))]


@pytest.mark.parametrize(
    ("fact", "runs", "expected", "why"),
    [
        ("answered", [{"answered": 3}, {}, {"answered": 7}], ["worst", "best", ""], "more is better"),
        ("rate_limited.offer", [{"limited": {"offer": 4}}, {}], ["worst", "best"], "less is better"),
        ("planned", [{}, {"users": 20}], ["", ""], "neither is better"),
        ("answered", [{}, {}], ["", ""], "all alike"),
        ("answered", [{"answered": 3}], [""], "one run alone"),
        ("answered", [{"answered": 9}, {"users": 20, "answered": 10}], ["best", "worst"], "as a share of the planned"),
        ("abnormal_closes", [{"abnormal": {"lost": 2}}, {}, {}], ["worst", "", ""], "most share the best: no mark"),
        ("time_to_connected", [{"answered": 9}, {}], ["worst", "best"], "never is the worst"),
        ("amplification", [{"answered": 2}, {}], ["", ""], "few attempts of few answered are not the best"),
        (
            "amplification",
            [{"answered": 2}, {"limited": {"token": 5}}, {"limited": {"token": 9}}],
            ["", "best", "worst"],
            "the best is one that had all answered",
        ),
        ("answered", [{"answered": 3, "invalid": ["late"]}, {"answered": 5}, {}], ["", "worst", "best"], "not valid"),
        ("answered", [{"invalid": ["late"]}, {"answered": 2, "invalid": ["late"]}], ["", ""], "none is valid"),
    ],
)
def test_a_column(fact: str, runs: list[dict[str, Any]], expected: list[str], why: str) -> None:
    records = [a_record(f"run-{number}", **run) for number, run in enumerate(runs)]
    assert marked(fact, *records) == expected, why


def test_the_verdict_has_no_mark() -> None:
    assert marked("", a_record("first"), a_record("second", answered=2, expect=["answered == 100%"])) == ["", ""]
