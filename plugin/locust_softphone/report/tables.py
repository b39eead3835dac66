"""The tables of a comparison, before they are drawn anywhere: headings and cells as text.

run                                      a row for each run
repeated runs, with 95 % intervals       a row for each plan, where any has been run more than once
the difference from the first of them    a row for each other plan; what is inside the noise is called that
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from locust_softphone.metrics.catalogue import FIELDS
from locust_softphone.report.comparison import COLUMNS, Arm, Run, arms_of, comparable, compared, seconds
from locust_softphone.report.statistics import Estimate

__all__ = ["ESTIMATED", "LEGEND", "Table", "interval", "tables"]

LEGEND = (
    "attempts each: requests for each planned softphone; all connected: how long after the plan's start the last one "
    "was; set-up: from a call's planned start to its answer; too early: retries before their Retry-After was over"
)
"""What the headings of the table of runs mean."""

NOISE = "noise"
NO_DIFFERENCE = "none"

_ESTIMATES = {
    "answered": "answered",
    "429s": "rate_limited",
    "abnormal\ncloses": "abnormal_closes",
    "attempts\neach": "amplification",
    "all con-\nnected": "time_to_connected",
    "set-up\np50": "call_setup.p50",
    "set-up\np95": "call_setup.p95",
    "set-up\np99": "call_setup.p99",
}


ESTIMATED = tuple(_ESTIMATES.values())
"""The figures that repeated runs are compared by."""


class Table(NamedTuple):
    """One table.

    Args:
        title: what its rows are; none for the runs themselves.
        headings: of the columns after the label, a line for each word.
        rows: the label and the cells of each.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def tables(runs: Sequence[Run]) -> list[Table]:
    """All that there is to show of these runs, which are as ``comparison.side_by_side`` orders them."""
    found = [_of_runs(runs)]
    arms = arms_of(comparable(runs))
    if any(len(arm.runs) > 1 for arm in arms):
        found.append(_of_arms(arms))
        if len(arms) > 1:
            found.append(_of_differences(arms))
    return found


def _of_runs(runs: Sequence[Run]) -> Table:
    headings = tuple(column.heading for column in COLUMNS)
    return Table("", headings, tuple((run.label, tuple(column.cell(run) for column in COLUMNS)) for run in runs))


def _of_arms(arms: Sequence[Arm]) -> Table:
    rows = tuple(
        (arm.label, (str(len(arm.runs)), *(interval(fact, arm.estimate(fact)) for fact in ESTIMATED))) for arm in arms
    )
    return Table("all runs of each plan, with 95 % intervals between runs", ("runs", *_ESTIMATES), rows)


def _of_differences(arms: Sequence[Arm]) -> Table:
    first, *others = arms
    rows = tuple((arm.label, tuple(_difference(fact, first, arm) for fact in ESTIMATED)) for arm in others)
    return Table(f"the difference from {first.label}; noise: it could as well be none", tuple(_ESTIMATES), rows)


def _difference(fact: str, first: Arm, other: Arm) -> str:
    """A difference with its interval; noise where it could as well be none."""
    estimate = compared(fact, first, other)
    if estimate is not None and estimate.low == estimate.high == 0:
        return NO_DIFFERENCE
    if estimate is not None and estimate.in_the_noise:
        return NOISE
    per_softphone = " each" if FIELDS[fact] == "count" and first.planned != other.planned else ""
    return interval(fact, estimate, signed=True) + per_softphone


def interval(fact: str, estimate: Estimate | None, *, signed: bool = False) -> str:
    """A figure with its interval: ``1.4% (0.6–3.5%)``; without one where there is none, or where all runs were alike.

    Args:
        fact: which figure.
        estimate: the figure; None where it was not measured.
        signed: whether it is a difference.
    """
    if estimate is None:
        return "-"
    value, low, high = (_shown(fact, each, signed) for each in (estimate.value, estimate.low, estimate.high))
    if estimate.low == estimate.high:
        return "".join(value)
    start = low[0] if low[1] == high[1] else "".join(low)
    return f"{''.join(value)} ({start}{' to ' if signed else '–'}{''.join(high)})"


def _shown(fact: str, value: float | None, signed: bool) -> tuple[str, str]:
    """A figure and its unit."""
    size = abs(value or 0.0)
    sign = "-" if (value or 0.0) < 0 else "+" if signed else ""
    if fact == "answered":
        return f"{sign}{100 * size:.1f}", " pp" if signed else "%"  # between shares: percentage points
    if FIELDS[fact] == "seconds":
        number, unit = seconds(size).split()
        return sign + number, f" {unit}"
    return sign + (f"{size:.2f}" if FIELDS[fact] == "ratio" else _mean(size)), ""


def _mean(count: float) -> str:
    """The mean of a count to three digits; whole where it is."""
    return f"{count:.{0 if count >= 100 or count == int(count) else 1 if count >= 10 else 2}f}"
