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


def test_at_140_columns_it_is_one_table(comparison: Comparison) -> None:
    assert render(comparison, width=140) == AT_140


def test_at_80_columns_the_table_is_continued_below(comparison: Comparison) -> None:
    assert render(comparison, width=80).startswith(AT_80)


@pytest.mark.parametrize("width", [30, 60, 80, 100, 140, 200])
def test_every_cell_is_shown_whole_at_any_width(comparison: Comparison, width: int) -> None:
    text = render(comparison, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    words = text.split()
    for row in comparison.tables[0].rows:
        assert row.label in words
        for cell in row.cells:
            assert set(cell.text.split()) <= set(words)
    assert "…" not in text


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
    for table in repeated.tables:
        for row in table.rows:
            assert row.label in text
            assert [cell for cell in row.cells if cell.text not in text] == []


def test_colour_adds_no_information(comparison: Comparison) -> None:
    coloured = render(comparison, width=100, colour=True)
    assert "\x1b[" in coloured
    without = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in without.splitlines()] == render(comparison, width=100).splitlines()


def test_texts_of_a_record_are_not_read_as_markup() -> None:
    comparison = compare_runs([a_record(invalid=["[bold]stopped[/bold] [red]"])])
    assert "burst: [bold]stopped[/bold] [red]" in render(comparison, width=100)


AT_140 = """\
                                                           429
                                con-          gave   429 hand-   429 abnormal attempts all con- set-up set-up set-up   too
run                   planned nected answered   up token shake offer   closes     each   nected    p50    p95    p99 early verdict
burst-500                 500     57       57  443   198   150  1042      471     3.12    never 200 ms 200 ms 200 ms   681  failed
burst-500-retry-after     500    500      500    0     0     0     0        0     3.00   1.00 s 200 ms 200 ms 200 ms     0 invalid
ramp-60s                  500    500      500    0     0     0     0        0     3.00   59.9 s 200 ms 200 ms 200 ms     0  passed

attempts each: requests per planned softphone; all connected: time from the plan's start until the last softphone was connected; set-up:
time from a call's planned start to its answer; too early: retries sent before their Retry-After had passed
- burst-500: expected answered == 100%, it was 57
- burst-500-retry-after: the ledger does not balance: offer: 3 of 4

- Only ramp-60s had every softphone answered, with 3.00 attempts per softphone; next was burst-500 with 57 of 500 (3.12 attempts per
  softphone).
- One change at a time, one run each: ramp from 0s to 60s (burst-500, ramp-60s) changed answered from 57 to 500, 429s from 1390 to 0 and
  abnormal closes from 471 to 0.
- There were 429s in burst-500 (1390), and none in ramp-60s.
- Left out because not valid: burst-500-retry-after.
"""

AT_80 = """\
                                                           429
                                con-          gave   429 hand-   429 abnormal
run                   planned nected answered   up token shake offer   closes
burst-500                 500     57       57  443   198   150  1042      471
burst-500-retry-after     500    500      500    0     0     0     0        0
ramp-60s                  500    500      500    0     0     0     0        0

                      attempts all con- set-up set-up set-up   too
run                       each   nected    p50    p95    p99 early verdict
burst-500                 3.12    never 200 ms 200 ms 200 ms   681  failed
burst-500-retry-after     3.00   1.00 s 200 ms 200 ms 200 ms     0 invalid
ramp-60s                  3.00   59.9 s 200 ms 200 ms 200 ms     0  passed

"""
