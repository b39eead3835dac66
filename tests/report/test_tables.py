"""The tables: a row for each run; estimates, marks and differences of repeated runs."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.arms import COMPARED_METRICS
from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.tables import Table
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record

BURST: dict[str, Any] = {"users": 500, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}


def tables_of(*records: RunRecord) -> tuple[Table, ...]:
    return compare_runs(records).tables


def cells(table: Table) -> dict[str, dict[str, str]]:
    headings = [heading.text.replace("\n", " ") for heading in table.headings]
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
        "answered": "4 of 10",
        "gave up": "6",
        "connected": "4",
        "429s": "6",
        "429 token": "1",
        "429 handshake": "2",
        "429 offer": "3",
        "1006 closes": "3",
        "attempts each": "1.80",
        "time to connect": "never",
        "set-up p50": "200 ms",
        "set-up p95": "200 ms",
        "set-up p99": "200 ms",
        "too early": "5",
        "expected": "0 of 1 ✗",
    }


def test_a_column_that_is_zero_in_every_row_is_left_out() -> None:
    (table,) = tables_of(a_record("a"), a_record("b", limited={"offer": 1}, ramp="1s"))
    rows = cells(table)
    assert list(rows["a"])[:4] == ["answered", "connected", "429s", "429 offer"]
    assert rows["a"]["429s"] == "0"
    assert not {"gave up", "1006 closes", "429 token", "too early"} & rows["a"].keys()


def test_steps_of_another_dialect_have_their_columns() -> None:
    assert row_of(a_record(limited={"channel": 2}, dialect="genesys-cloud"))["429 channel"] == "2"


@pytest.mark.parametrize(
    ("record", "answered", "expected"),
    [
        (a_record(expect=["answered == 100%"]), "all-answered", ("1 of 1 ✓", "held")),
        (a_record(answered=4, expect=["answered == 100%"]), "some-answered", ("0 of 1 ✗", "failed")),
        (a_record(answered=0), "none-answered", ("none", "none")),
        (a_record(answered=4, expect=["gave_up > 0"], reproduces=True), "some-answered", ("reproduced", "reproduced")),
        (a_record(invalid=["late"]), "all-answered", ("not valid", "invalid")),
    ],
)
def test_the_colour_of_a_row_comes_from_its_outcome_and_its_expectations(
    record: RunRecord, answered: str, expected: tuple[str, str]
) -> None:
    (row,) = tables_of(record)[0].rows
    assert row.cells[0].mark == answered
    assert row.cells[-1] == expected


def test_a_run_in_which_all_connected_says_when() -> None:
    assert row_of(a_record(connected_after_s=9.98))["time to connect"] == "9.98 s"


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
        "answered": "1.9% (0.6–3.4%)",
        "429s": "428 (409–451)",
        "1006 closes": "0 (0–1.54)",
        "attempts each": "0.91 (0.84–1.01)",
        "time to connect": "-",
        "set-up p50": "200 ms",
        "set-up p95": "200 ms",
        "set-up p99": "200 ms",
    }
    assert cells(arms)["paced"]["time to connect"] == "9.99 s (9.93–10.1 s)"
    assert differences.title == "differences from burst; noise: not significant"
    ramp, paced = cells(differences)["ramp"], cells(differences)["paced"]
    assert (ramp["answered"], ramp["429s"], ramp["1006 closes"]) == ("noise", "noise", "none")
    assert paced["429s"] == "-428 (-447 to -409)"
    assert paced["answered"] == "+98.1 pp (+96.9 to +99.4 pp)"
    assert "time to connect" not in paced, "it was not measured in both arms of any difference"


def test_counts_of_different_numbers_of_softphones_are_compared_per_softphone() -> None:
    few = [a_record("few", users=10, limited={"offer": n}) for n in (5, 5, 5)]
    many = [a_record("many", users=100, limited={"offer": n}) for n in (50, 50, 50)]
    most = [a_record("most", users=100, limited={"offer": n}) for n in (150, 149, 151)]
    differences = cells(tables_of(*few, *many, *most)[2])
    assert differences["many"]["429s"] == "none"
    assert differences["most"]["429s"] == "+1 (+0.88 to +1.12) each"


# Best and worst


def marked(metric: str, *arms: list[dict[str, Any]]) -> list[str]:
    """The marks of these arms in the column of a metric; an arm is what distinguishes its runs."""
    records = [a_record(f"arm-{n}", ramp=f"{n}s", **run) for n, arm in enumerate(arms) for run in arm]
    table = next(table for table in tables_of(*records) if table.title.startswith("repeated"))
    column = COMPARED_METRICS.index(metric) + 1
    return [row.cells[column].mark for row in table.rows]


def answered(*counts: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"users": 100, "answered": count, **fields} for count in counts]


def limited(*counts: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"users": 100, "limited": {"offer": count}, **fields} for count in counts]


@pytest.mark.parametrize(
    ("metric", "arms", "expected", "why"),
    [
        ("answered", [answered(50, 51, 50), answered(99, 98, 99)], ["worst", "best"], "more is better"),
        ("rate_limited", [limited(50, 51, 50), limited(9, 8, 9)], ["worst", "best"], "less is better"),
        ("answered", [answered(50, 60, 70), answered(55, 66, 71)], ["", ""], "the difference is noise"),
        ("answered", [answered(50, 51, 50), answered(99)], ["", ""], "a single run is not marked"),
        ("rate_limited", [limited(5, 5), [{"users": 10, "limited": {"offer": 1}}] * 2], ["", ""], "unequal sizes"),
        ("amplification", [answered(20, 21, 20), limited(9, 8, 9)], ["", ""], "few were answered: not the best"),
        ("amplification", [limited(50, 51, 50), limited(9, 8, 9)], ["worst", "best"], "all were answered"),
        ("rate_limited", [limited(50, 51, 50), limited(9, 8, 9), limited(9, 9, 8)], ["worst", "", ""], "two are best"),
        ("answered", [answered(50, 51), answered(50, 51)], ["", ""], "alike"),
    ],
)
def test_best_and_worst_only_beyond_the_noise(
    metric: str, arms: list[list[dict[str, Any]]], expected: list[str], why: str
) -> None:
    assert marked(metric, *arms) == expected, why


def test_single_runs_have_no_marks() -> None:
    (table,) = tables_of(a_record("burst", answered=3, **BURST), a_record("ramp", ramp="60s", **BURST))
    assert not table.has_marks
