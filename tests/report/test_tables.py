"""The tables: a row for each run, best and worst of a column; estimates and differences of repeated runs."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.tables import COLUMNS, Table
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record

BURST: dict[str, Any] = {"users": 500, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}


def tables_of(*records: RunRecord) -> tuple[Table, ...]:
    return compare_runs(records).tables


def cells(table: Table) -> dict[str, dict[str, str]]:
    headings = [heading.replace("-\n", "").replace("\n", " ") for heading in table.headings]
    return {row.label: dict(zip(headings, (cell.text for cell in row.cells), strict=True)) for row in table.rows}


def row_of(record: RunRecord) -> dict[str, str]:
    return cells(tables_of(record)[0])[record.name]


def test_the_row_of_a_run() -> None:
    record = a_record(
        answered=4,
        limited={"token": 1, "handshake": 2, "offer": 3},
        abnormal={"refused": 2, "reset": 1},
        too_early=5,
        expect=["answered == 100%"],
    )
    assert row_of(record) == {
        "planned": "10",
        "connected": "4",
        "answered": "4",
        "gave up": "6",
        "429 token": "1",
        "429 handshake": "2",
        "429 offer": "3",
        "abnormal closes": "3",
        "attempts each": "1.80",
        "all connected": "never",
        "set-up p50": "200 ms",
        "set-up p95": "200 ms",
        "set-up p99": "200 ms",
        "too early": "5",
        "verdict": "failed",
    }


def test_a_run_in_which_all_connected_says_when() -> None:
    assert row_of(a_record(connected_after_s=9.98))["all connected"] == "9.98 s"


def test_a_run_in_which_nothing_was_answered_has_no_set_up_time() -> None:
    assert row_of(a_record(answered=0))["set-up p99"] == "-"


def repeated(*, invalid: bool = False) -> list[RunRecord]:
    records = []
    for answered in (7, 9, 12):
        burst = a_record("burst", answered=answered, limited={"offer": 400 + 3 * answered}, **BURST)
        ramp = a_record("ramp", answered=answered + 1, limited={"offer": 400}, ramp="60s", **BURST)
        paced = a_record("paced", connected_after_s=9.9 + answered / 100, ramp={"rate": "50/s"}, **BURST)
        records += [burst, ramp, paced]
    return [*records, *([a_record("burst", answered=400, invalid=["saturated"], **BURST)] if invalid else [])]


def test_single_runs_have_one_table_and_no_intervals() -> None:
    (table,) = tables_of(a_record("burst", **BURST), a_record("ramp", ramp="60s", **BURST))
    assert [row.label for row in table.rows] == ["burst", "ramp"]
    assert "(" not in str(cells(table))


def test_one_profile_repeated_has_no_table_of_differences() -> None:
    _, arms = tables_of(*(a_record("burst", answered=answered, **BURST) for answered in (7, 9)))
    assert [row.label for row in arms.rows] == ["burst"]


@pytest.mark.parametrize("invalid", [False, True], ids=["all valid", "one that is not valid does not count"])
def test_repeated_runs_have_estimates_and_differences(invalid: bool) -> None:
    _, arms, differences = tables_of(*repeated(invalid=invalid))
    assert cells(arms)["burst"] == {
        "runs": "3",
        "answered": "1.9% (0.8–4.1%)",
        "429s": "428 (409–447)",
        "abnormal closes": "0",
        "attempts each": "0.91 (0.84–0.99)",
        "all connected": "-",
        "set-up p50": "200 ms",
        "set-up p95": "200 ms",
        "set-up p99": "200 ms",
    }
    assert cells(arms)["paced"]["all connected"] == "9.99 s (9.93–10.1 s)"
    assert differences.title == "differences from burst; noise: the 95 % interval contains zero"
    ramp, paced = cells(differences)["ramp"], cells(differences)["paced"]
    assert (ramp["answered"], ramp["429s"], ramp["abnormal closes"]) == ("noise", "-28 (-46.8 to -9.24)", "none")
    assert (paced["answered"], paced["all connected"]) == ("+98.1 pp (+96.9 to +99.4 pp)", "-")


def test_counts_of_different_numbers_of_softphones_are_compared_per_softphone() -> None:
    few = [a_record("few", users=10, limited={"offer": n}) for n in (5, 5, 5)]
    many = [a_record("many", users=100, limited={"offer": n}) for n in (50, 50, 50)]
    most = [a_record("most", users=100, limited={"offer": n}) for n in (150, 149, 151)]
    differences = cells(tables_of(*few, *many, *most)[2])
    assert differences["many"]["429s"] == "none"
    assert differences["most"]["429s"] == "+1 (+0.98 to +1.02) each"


# Best and worst


def marked(metric: str, *records: RunRecord) -> list[str]:
    """The marks of these runs in the column of a metric."""
    column = [column.metric for column in COLUMNS].index(metric)
    return [row.cells[column].mark for row in tables_of(*records)[0].rows]


@pytest.mark.parametrize(
    ("metric", "runs", "expected", "why"),
    [
        ("answered", [{"answered": 3}, {}, {"answered": 7}], ["worst", "best", ""], "more is better"),
        ("rate_limited.offer", [{"limited": {"offer": 4}}, {}], ["worst", "best"], "less is better"),
        ("planned", [{}, {"users": 20}], ["", ""], "neither is better"),
        ("answered", [{}, {}], ["", ""], "all alike"),
        ("answered", [{"answered": 3}], [""], "one run alone"),
        ("answered", [{"answered": 9}, {"users": 20, "answered": 10}], ["best", "worst"], "as a share of the planned"),
        (
            "abnormal_closes",
            [{"abnormal": {"lost": 2}}, {}, {}],
            ["worst", "", ""],
            "most runs share the best: no mark",
        ),
        ("time_to_connected", [{"answered": 9}, {}], ["worst", "best"], "never is the worst"),
        ("amplification", [{"answered": 2}, {}], ["", ""], "few attempts are not the best if few were answered"),
        (
            "amplification",
            [{"answered": 2}, {"limited": {"token": 5}}, {"limited": {"token": 9}}],
            ["", "best", "worst"],
            "only a run with all answered is the best",
        ),
        (
            "answered",
            [{"answered": 3, "invalid": ["late"]}, {"answered": 5}, {}],
            ["", "worst", "best"],
            "invalid runs are not marked",
        ),
        ("answered", [{"invalid": ["late"]}, {"answered": 2, "invalid": ["late"]}], ["", ""], "none is valid"),
    ],
)
def test_best_and_worst_of_a_column(metric: str, runs: list[dict[str, Any]], expected: list[str], why: str) -> None:
    records = [a_record(f"run-{number}", **run) for number, run in enumerate(runs)]
    assert marked(metric, *records) == expected, why


def test_verdicts_are_not_marked() -> None:
    assert marked("", a_record("first"), a_record("second", answered=2, expect=["answered == 100%"])) == ["", ""]
