"""The tables of a comparison as text: headings, cells, and which cell of a column is the best and the worst.

    run                                     a row for each run
    repeated runs with 95 % intervals       a row for each arm, where any arm has more than one run
    differences from the first arm          a row for each other arm

A value that is low only because most softphones gave up is not the best: of attempts and of set-up times, the best is
that of a run that had every softphone answered. A mark that most runs would share is left out, and so are the marks of
runs that are not valid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from locust_softphone.metrics.catalogue import KINDS
from locust_softphone.report.arms import COMPARED_METRICS, Arm, Run
from locust_softphone.report.differences import ArmDifference
from locust_softphone.report.values import estimated, number, seconds

__all__ = ["BEST", "COLUMNS", "LEGEND", "WORST", "Cell", "Column", "Row", "Table", "tables_of"]

LEGEND = (
    "attempts each: requests per planned softphone; all connected: time from the plan's start until the last softphone "
    "was connected; set-up: time from a call's planned start to its answer; too early: retries sent before their "
    "Retry-After had passed"
)
"""What the headings of the table of runs mean."""

BEST, WORST = "best", "worst"
NOISE, NO_DIFFERENCE = "noise", "none"

_ESTIMATE_HEADINGS = (
    *("answered", "429s", "abnormal\ncloses", "attempts\neach", "all con-\nnected"),
    *("set-up\np50", "set-up\np95", "set-up\np99"),
)


class Cell(NamedTuple):
    """A value as text; ``mark`` is best, worst or empty."""

    text: str
    mark: str = ""


class Row(NamedTuple):
    """The label of a run or arm, and its cells."""

    label: str
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """One table.

    Args:
        title: what its rows are; empty for the table of runs.
        headings: of the columns after the label, with line breaks.
        rows: one for each run or arm.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


class Column(NamedTuple):
    """One column of the table of runs.

    Args:
        heading: with line breaks.
        metric: the metric in it; empty for the verdict.
        better: whether ``more`` or ``less`` of it is better; empty where neither is.
        if_all_answered: whether only a run that had every softphone answered can be the best.
        unmeasured: what stands for a metric that was not measured.
    """

    heading: str
    metric: str = ""
    better: str = "less"
    if_all_answered: bool = False
    unmeasured: str = "-"

    def text(self, run: Run) -> str:
        """A run's cell."""
        if not self.metric:
            return run.record.verdict
        value = run.metrics[self.metric]
        if value is None:
            return self.unmeasured
        return seconds(value) if KINDS[self.metric] == "seconds" else number(value)

    def badness(self, run: Run) -> float:
        """The metric as a number of which less is better; infinite for what never happened."""
        value = run.metrics[self.metric]
        if value is None:
            return math.inf
        if KINDS[self.metric] in ("softphones", "count"):
            value /= max(run.metrics["planned"] or 0, 1)
        return -value if self.better == "more" else value


COLUMNS = (
    Column("planned", "planned", better=""),
    Column("con-\nnected", "connected", better="more"),
    Column("answered", "answered", better="more"),
    Column("gave\nup", "gave_up"),
    Column("429\ntoken", "rate_limited.token"),
    Column("429\nhand-\nshake", "rate_limited.handshake"),
    Column("429\noffer", "rate_limited.offer"),
    Column("abnormal\ncloses", "abnormal_closes"),
    Column("attempts\neach", "amplification", if_all_answered=True),
    Column("all con-\nnected", "time_to_connected", unmeasured="never"),
    Column("set-up\np50", "call_setup.p50", if_all_answered=True),
    Column("set-up\np95", "call_setup.p95", if_all_answered=True),
    Column("set-up\np99", "call_setup.p99", if_all_answered=True),
    Column("too\nearly", "retries.too_early"),
    Column("verdict", better=""),
)
"""The columns of the table of runs after the label."""


def tables_of(runs: Sequence[Run], arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> list[Table]:
    """The tables of a comparison, that of the runs first."""
    tables = [_of_runs(runs)]
    if any(len(arm.runs) > 1 for arm in arms):
        tables.append(_of_arms(arms))
        if len(arms) > 1:
            tables.append(_of_differences([each for each in differences if each.before is arms[0]]))
    return tables


def _of_runs(runs: Sequence[Run]) -> Table:
    columns = [_column(column, runs) for column in COLUMNS]
    rows = (Row(run.label, cells) for run, cells in zip(runs, zip(*columns, strict=True), strict=True))
    return Table("", tuple(column.heading for column in COLUMNS), tuple(rows))


def _column(column: Column, runs: Sequence[Run]) -> list[Cell]:
    valid = [run for run in runs if run.record.verdict != "invalid"]
    if not column.better or not valid:
        return [Cell(column.text(run)) for run in runs]
    candidates = [run for run in valid if not column.if_all_answered or run.all_answered]
    least = min(map(column.badness, candidates), default=None)
    most = max(map(column.badness, valid))
    best = [run for run in candidates if column.badness(run) == least]
    worst = [run for run in valid if column.badness(run) == most]
    marks: dict[Run, str] = {}
    for marked, mark in ((worst, WORST), (best, BEST)):
        if least != most and len(marked) <= len(valid) / 2:
            marks |= dict.fromkeys(marked, mark)
    return [Cell(column.text(run), marks.get(run, "")) for run in runs]


def _of_arms(arms: Sequence[Arm]) -> Table:
    rows = (
        Row(arm.label, _cells(str(len(arm.runs)), *(estimated(name, arm.estimates[name]) for name in COMPARED_METRICS)))
        for arm in arms
    )
    return Table("repeated runs, with 95 % intervals between runs", ("runs", *_ESTIMATE_HEADINGS), tuple(rows))


def _of_differences(differences: Sequence[ArmDifference]) -> Table:
    rows = (Row(each.after.label, _cells(*(_moved(name, each) for name in COMPARED_METRICS))) for each in differences)
    title = f"differences from {differences[0].before.label}; {NOISE}: the 95 % interval contains zero"
    return Table(title, _ESTIMATE_HEADINGS, tuple(rows))


def _moved(metric: str, difference: ArmDifference) -> str:
    estimate = difference.metrics[metric]
    if estimate is not None and estimate.low == estimate.high == 0:
        return NO_DIFFERENCE
    if estimate is not None and estimate.contains_zero:
        return NOISE
    return estimated(metric, estimate, signed=True) + (" each" if difference.is_per_softphone(metric) else "")


def _cells(*texts: str) -> tuple[Cell, ...]:
    return tuple(map(Cell, texts))
