# ruff: noqa: E501 - a table of 140 columns is wider than code
"""A comparison as text: every cell whole at any width, and no information in colour alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.cells import cell_len

from locust_softphone.report.comparison import Comparison, compare_runs
from locust_softphone.report.terminal import render
from tests.runs.records import a_record

BURST: dict[str, Any] = {"users": 500, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare_runs(
        [
            a_record(
                "burst-500",
                answered=57,
                limited={"token": 198, "handshake": 150, "offer": 1042},
                abnormal={"refused": 471},
                too_early=681,
                expect=["answered == 100%"],
                **BURST,
            ),
            a_record("burst-500-retry-after", invalid=["the ledger does not balance: offer: 3 of 4"], **BURST),
            a_record("ramp-60s", ramp="60s", connected_after_s=59.9, **BURST),
        ]
    )


def test_at_140_columns_all_columns_are_shown(comparison: Comparison) -> None:
    assert render(comparison, width=140) == AT_140


def test_at_80_columns_the_most_important_columns_are_one_table(comparison: Comparison) -> None:
    assert AT_80 in render(comparison, width=80)


@pytest.mark.parametrize("width", [30, 60, 80, 100, 140, 200])
def test_every_cell_is_shown_whole_or_its_column_is_named_as_left_out(comparison: Comparison, width: int) -> None:
    text = render(comparison, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    words = " ".join(text.split())
    table = comparison.tables[0]
    _, _, left_out = words.partition("not shown at this width: ")
    for column, heading in enumerate(table.headings):
        if " ".join(heading.text.split()) not in left_out.partition(" - ")[0]:
            assert all(row.cells[column].text in words for row in table.rows)
    assert all(row.label in words for row in table.rows)


def test_a_run_alone_is_shown_with_all_its_sections() -> None:
    text = render(compare_runs([a_record(answered=4, limited={"offer": 6}, expect=["answered == 100%"])]), width=80)
    assert text.startswith("burst: 4 of 10 answered, 6 gave up; 6 requests refused with 429\n")
    for line in (
        "  expected     ✗ answered == 100%: 40% (4 of 10)",
        "  failures     offer: 6 of 10 refused with 429",
        "  ledger       the edge's counters confirm every attempt",
        "  run          20260801T120000.000000Z-burst to http://127.0.0.1:8080, a",
    ):
        assert f"\n{line}\n" in text


def test_of_many_runs_only_those_with_a_problem_are_listed_below_the_table() -> None:
    records = [a_record(f"run-{n}", ramp=f"{n}s", expect=["answered == 100%"]) for n in range(9)]
    failed = a_record("failed", answered=4, ramp="20s", expect=["answered == 100%"])
    text = render(compare_runs([*records, failed]), width=120)
    assert "failed: 4 of 10 answered" in text
    assert "run-0: 10 of 10 answered" not in text


@pytest.mark.parametrize("width", [50, 80, 140])
def test_intervals_of_repeated_runs_are_shown_whole(width: int) -> None:
    records = [
        a_record(name, answered=answered, limited={"offer": 3 * answered}, **plan)
        for answered in (57, 71, 64)
        for name, plan in (("burst-500", BURST), ("ramp-60s", {**BURST, "ramp": "60s"}))
    ]
    repeated = compare_runs(records)
    text = render(repeated, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    assert "repeated runs, with 95 % intervals" in text
    for table in repeated.tables[1:]:
        for row in table.rows:
            assert row.label in text
            assert [cell for cell in row.cells if cell.text not in text] == []


def test_colour_adds_no_information(comparison: Comparison) -> None:
    coloured = render(comparison, width=100, colour=True)
    assert "\x1b[" in coloured
    without = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in without.splitlines()] == render(comparison, width=100).splitlines()


def test_texts_of_a_record_are_not_read_as_markup() -> None:
    records = [a_record(invalid=["[bold]stopped[/bold] [red]"]), a_record("other")]
    for shown in (records, records[:1]):
        assert "[bold]stopped[/bold] [red]" in render(compare_runs(shown), width=100)


AT_140 = """\
Spreading the starts over 60s: 500 of 500 answered instead of 57.

                                 gave                  429       429   429   1006 attempts time to set-up set-up set-up   too
run                     answered   up connected 429s token handshake offer closes     each connect    p50    p95    p99 early  expected
burst-500              57 of 500  443        57 1390   198       150  1042    471     3.12   never 200 ms 200 ms 200 ms   681  0 of 1 ✗
burst-500-retry-after 500 of 500    0       500    0     0         0     0      0     3.00  1.00 s 200 ms 200 ms 200 ms     0 not valid
ramp-60s              500 of 500    0       500    0     0         0     0      0     3.00  59.9 s 200 ms 200 ms 200 ms     0      none

1006 closes: WebSockets that ended without a close frame; attempts each: requests per planned softphone; time to connect: from the plan's
start until the last softphone was connected; set-up p50: as p95 and p99 of answered calls only, from a call's planned start to its answer;
too early: retries sent before their Retry-After had passed

- Only ramp-60s had every softphone answered, with 3.00 attempts per softphone; next was burst-500 with 57 of 500 (3.12 attempts per
  softphone).
- Spreading the starts over 60s (burst-500 → ramp-60s, one run each): 500 of 500 answered instead of 57, no 429s instead of 1390 and no
  abnormal closes instead of 471.
- There were 429s in burst-500 (1390), and none in ramp-60s.
- Left out because not valid: burst-500-retry-after.

burst-500: 57 of 500 answered, 443 gave up; 1390 requests refused with 429
  ✗ answered == 100%: 11.4% (57 of 500) · 1 of 1 expectation failed
burst-500-retry-after: 500 of 500 answered
  not valid: its measurements cannot be trusted
  - the ledger does not balance: offer: 3 of 4
ramp-60s: 500 of 500 answered
  no expectations
"""

AT_80 = """\
                                        429       429   429   1006
run                     answered 429s token handshake offer closes  expected
burst-500              57 of 500 1390   198       150  1042    471  0 of 1 ✗
burst-500-retry-after 500 of 500    0     0         0     0      0 not valid
ramp-60s              500 of 500    0     0         0     0      0      none
"""
