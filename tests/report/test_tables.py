"""The tables: a row for each run; of repeated runs each plan's figures, and what is inside the noise."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import run_of, side_by_side
from locust_softphone.report.statistics import Estimate
from locust_softphone.report.tables import Table, interval, tables
from tests.runs.records import a_record

BURST: dict[str, Any] = {"users": 500, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}


def tables_of(*records: dict[str, Any]) -> list[Table]:
    return tables(side_by_side([run_of(record) for record in records]))


def cells(table: Table) -> dict[str, dict[str, str]]:
    headings = [heading.replace("-\n", "").replace("\n", " ") for heading in table.headings]
    return {label: dict(zip(headings, row, strict=True)) for label, row in table.rows}


def repeated(*, invalid: bool = False) -> list[dict[str, Any]]:
    records = []
    for answered in (7, 9, 12):
        burst = a_record("burst", answered=answered, limited={"offer": 400 + 3 * answered}, **BURST)
        ramp = a_record("ramp", answered=answered + 1, limited={"offer": 400}, ramp="60s", **BURST)
        paced = a_record("paced", connected_after_s=9.9 + answered / 100, ramp={"rate": "50/s"}, **BURST)
        records += [burst, ramp, paced]
    return [*records, *([a_record("burst", answered=400, invalid=["saturated"], **BURST)] if invalid else [])]


def test_single_runs_have_one_table_and_no_intervals() -> None:
    (table,) = tables_of(a_record("burst", **BURST), a_record("ramp", ramp="60s", **BURST))
    assert [label for label, _ in table.rows] == ["burst", "ramp"]
    assert "(" not in str(cells(table))


def test_one_plan_repeated_has_nothing_to_differ_from() -> None:
    _, arms = tables_of(*(a_record("burst", answered=answered, **BURST) for answered in (7, 9)))
    assert [label for label, _ in arms.rows] == ["burst"]


@pytest.mark.parametrize("invalid", [False, True], ids=["all valid", "one that is not valid does not count"])
def test_repeated_runs(invalid: bool) -> None:
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
    assert differences.title == "the difference from burst; noise: it could as well be none"
    ramp, paced = cells(differences)["ramp"], cells(differences)["paced"]
    assert (ramp["answered"], ramp["429s"], ramp["abnormal closes"]) == ("noise", "-28 (-46.6 to -9.36)", "none")
    assert (paced["answered"], paced["all connected"]) == ("+98.1 pp (+96.9 to +99.4 pp)", "-")


@pytest.mark.parametrize(
    ("fact", "estimate", "text"),
    [
        ("answered", Estimate(0.014), "1.4%"),  # one run: no interval is made up
        ("answered", Estimate(0.014, 0.006, 0.035), "1.4% (0.6–3.5%)"),
        ("rate_limited", Estimate(0.0, 0.0, 0.0), "0"),  # all runs alike
        ("rate_limited", Estimate(12.34, 9.876, 1000.4), "12.3 (9.88–1000)"),
        ("amplification", Estimate(3.0, 2.5, 3.5), "3.00 (2.50–3.50)"),
        ("call_setup.p95", Estimate(1.05, 0.95, 1.15), "1.05 s (950 ms–1.15 s)"),
        ("call_setup.p95", None, "-"),
    ],
)
def test_a_figure_with_its_interval(fact: str, estimate: Estimate | None, text: str) -> None:
    assert interval(fact, estimate) == text


def test_counts_of_different_numbers_of_softphones_are_compared_per_softphone() -> None:
    few = [a_record("few", users=10, limited={"offer": n}) for n in (5, 5, 5)]
    many = [a_record("many", users=100, limited={"offer": n}) for n in (50, 50, 50)]
    most = [a_record("most", users=100, limited={"offer": n}) for n in (150, 149, 151)]
    differences = cells(tables_of(*few, *many, *most)[2])
    assert differences["many"]["429s"] == "none"
    assert differences["most"]["429s"] == "+1 (+0.98 to +1.02) each"
