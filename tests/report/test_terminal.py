# ruff: noqa: E501 - a table of 140 columns is wider than code
"""The comparison as text: nothing lost or cut off at any width, nothing said by colour alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.cells import cell_len

from locust_softphone.report.comparison import COLUMNS, Run, run_of, side_by_side
from locust_softphone.report.tables import tables
from locust_softphone.report.terminal import render
from tests.runs.records import a_record

BURST: dict[str, Any] = {"users": 500, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return side_by_side(
        [
            run_of(record)
            for record in (
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
            )
        ]
    )


def test_at_140_columns_it_is_one_table(runs: list[Run]) -> None:
    assert render(runs, width=140) == AT_140


def test_at_80_columns_it_goes_on_below_itself(runs: list[Run]) -> None:
    assert render(runs, width=80).startswith(AT_80)


@pytest.mark.parametrize("width", [30, 60, 80, 100, 140, 200])
def test_every_cell_is_shown_whole_at_any_width(runs: list[Run], width: int) -> None:
    text = render(runs, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    words = text.split()
    for run in runs:
        assert run.label in words
        for column in COLUMNS:
            assert set(column.cell(run).split()) <= set(words)
    assert "…" not in text


@pytest.mark.parametrize("width", [50, 80, 140])
def test_repeated_runs_have_their_intervals_shown_whole_too(width: int) -> None:
    records = [
        a_record(name, answered=answered, limited={"offer": 3 * answered}, **plan)
        for answered in (57, 71, 64)
        for name, plan in (("burst-500", BURST), ("ramp-60s", {**BURST, "ramp": "60s"}))
    ]
    repeated = side_by_side([run_of(record) for record in records])
    text = render(repeated, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    assert "all runs of each plan, with 95 % intervals" in text
    for table in tables(repeated):
        for label, row in table.rows:
            assert label in text
            assert [cell for cell in row if cell not in text] == []


def test_colour_adds_nothing_but_colour(runs: list[Run]) -> None:
    coloured = render(runs, width=100, colour=True)
    assert "\x1b[" in coloured
    without = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in without.splitlines()] == render(runs, width=100).splitlines()


def test_names_are_never_read_as_markup() -> None:
    (run,) = side_by_side([run_of(a_record(invalid=["[bold]stopped[/bold] [red]"]))])
    assert "burst: [bold]stopped[/bold] [red]" in render([run], width=100)


AT_140 = """\
                                                           429
                                con-          gave   429 hand-   429 abnormal attempts all con- set-up set-up set-up   too
run                   planned nected answered   up token shake offer   closes     each   nected    p50    p95    p99 early verdict
burst-500                 500     57       57  443   198   150  1042      471     3.12    never 200 ms 200 ms 200 ms   681  failed
burst-500-retry-after     500    500      500    0     0     0     0        0     3.00   1.00 s 200 ms 200 ms 200 ms     0 invalid
ramp-60s                  500    500      500    0     0     0     0        0     3.00   59.9 s 200 ms 200 ms 200 ms     0  passed

attempts each: requests for each planned softphone; all connected: how long after the plan's start the last one was; set-up: from a call's
planned start to its answer; too early: retries before their Retry-After was over
- burst-500: expected answered == 100%, it was 57
- burst-500-retry-after: the ledger does not balance: offer: 3 of 4

- Only ramp-60s had every softphone answered, with 3.00 attempts per softphone; next came burst-500 with 57 of 500 (3.12 attempts per
  softphone).
- One change at a time, one run each: ramp from 0s to 60s (burst-500, ramp-60s) took answered from 57 to 500, 429s from 1390 to 0 and
  abnormal closes from 471 to 0.
- 429s remained in burst-500 (1390); there were none in ramp-60s.
- Left out as not valid: burst-500-retry-after.
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
