"""The tables of a comparison as text: headings and cells.

    run                                     a row for each run
    repeated runs with 95 % intervals       a row for each arm, where any arm has more than one run
    differences from the first arm          a row for each other arm

A column of the table of runs that is zero in every row is left out, and so is any column without a measured value.
Where there is not enough room for all columns, the least important ones are left out: each column has a rank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from locust_softphone.metrics.catalogue import KINDS
from locust_softphone.metrics.steps import request_steps
from locust_softphone.report.arms import COMPARED_METRICS, Arm, Run
from locust_softphone.report.differences import ArmDifference
from locust_softphone.report.judgement import judgement_of
from locust_softphone.report.marks import BEST, WORST, marks_of
from locust_softphone.report.values import estimated, number
from locust_softphone.text import duration

__all__ = ["Cell", "Heading", "Row", "Table", "legend_of", "tables_of"]

NOISE, NO_DIFFERENCE = "noise", "none"

_UNMEASURED = frozenset({"-"})
_ZERO = _UNMEASURED | {"0"}

_ESTIMATE_HEADINGS = (
    *("answered", "429s", "1006\ncloses", "attempts\neach", "time to\nconnect"),
    *("set-up\np50", "set-up\np95", "set-up\np99"),
)


class Cell(NamedTuple):
    """A value as text; ``mark`` names its colour: best or worst, an outcome level, a kind of judgement, or nothing."""

    text: str
    mark: str = ""


class Row(NamedTuple):
    """The label of a run or arm, and its cells."""

    label: str
    cells: tuple[Cell, ...]


class Heading(NamedTuple):
    """The heading of a column.

    Args:
        text: with line breaks between words.
        rank: the lower, the more important the column.
        about: what it means, where that needs more words.
    """

    text: str
    rank: int = 0
    about: str = ""


class Table(NamedTuple):
    """One table.

    Args:
        title: what its rows are; empty for the table of runs.
        headings: of the columns after the label.
        rows: one for each run or arm.
    """

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]

    @property
    def has_marks(self) -> bool:
        """Whether a cell of it is the best or the worst."""
        return any(cell.mark in (BEST, WORST) for row in self.rows for cell in row.cells)

    @property
    def legend(self) -> str:
        """What the headings mean."""
        return legend_of(self.headings)


def legend_of(headings: Sequence[Heading]) -> str:
    """What these headings mean, as far as they need more words."""
    return "; ".join(f"{each.text.replace(chr(10), ' ')}: {each.about}" for each in headings if each.about)


def _without_columns(empty: AbstractSet[str], table: Table) -> Table:
    """The table without the columns in which every cell is one of these texts."""
    kept = [n for n in range(len(table.headings)) if not {row.cells[n].text for row in table.rows} <= empty]
    rows = (Row(row.label, tuple(row.cells[n] for n in kept)) for row in table.rows)
    return Table(table.title, tuple(table.headings[n] for n in kept), tuple(rows))


class _Column(NamedTuple):
    heading: Heading
    cell: Callable[[Run], Cell]


def tables_of(runs: Sequence[Run], arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> list[Table]:
    """The tables of a comparison, that of the runs first."""
    tables = [_of_runs(runs)]
    if any(len(arm.runs) > 1 for arm in arms):
        tables.append(_without_columns(_UNMEASURED, _of_arms(arms, differences)))
        if len(arms) > 1:
            from_first = [each for each in differences if each.before is arms[0]]
            tables.append(_without_columns(_UNMEASURED, _of_differences(from_first)))
    return tables


# The table of runs


def _of_runs(runs: Sequence[Run]) -> Table:
    steps = dict.fromkeys(step for run in runs for step in request_steps(run.record.dialect))
    columns = _columns(list(steps))
    rows = tuple(Row(run.label, tuple(column.cell(run) for column in columns)) for run in runs)
    return _without_columns(_ZERO, Table("", tuple(column.heading for column in columns), rows))


def _columns(steps: Sequence[str]) -> list[_Column]:
    return [
        _Column(Heading("answered"), _answered),
        _metric("gave_up", "gave\nup", 7),
        _metric("connected", "connected", 8),
        _metric("rate_limited", "429s", 2),
        *(_metric(f"rate_limited.{step}", f"429\n{step}", 4) for step in steps),
        _metric("abnormal_closes", "1006\ncloses", 3, about="WebSockets that ended without a close frame"),
        _metric("amplification", "attempts\neach", 5, about="requests per planned softphone"),
        _metric(
            "time_to_connected",
            "time to\nconnect",
            6,
            about="from the plan's start until the last softphone was connected",
            unmeasured="never",
        ),
        _metric(
            "call_setup.p50",
            "set-up\np50",
            10,
            about="as p95 and p99 of answered calls only, from a call's planned start to its answer",
        ),
        _metric("call_setup.p95", "set-up\np95", 12),
        _metric("call_setup.p99", "set-up\np99", 11),
        _metric("retries.too_early", "too\nearly", 9, about="retries sent before their Retry-After had passed"),
        _Column(Heading("expected", 1), _judgement),
    ]


def _metric(metric: str, heading: str, rank: int, *, about: str = "", unmeasured: str = "-") -> _Column:
    def cell(run: Run) -> Cell:
        value = run.metrics.get(metric)
        if value is None:
            return Cell(unmeasured)
        return Cell(duration(value) if KINDS[metric] == "seconds" else number(value))

    return _Column(Heading(heading, rank, about), cell)


def _answered(run: Run) -> Cell:
    outcome = run.record.outcome
    return Cell(f"{outcome.answered} of {outcome.planned}", outcome.level.value)


def _judgement(run: Run) -> Cell:
    judgement = judgement_of(run.record)
    return Cell(judgement.short, judgement.kind.value)


# The tables of repeated runs


def _of_arms(arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> Table:
    marks = {metric: marks_of(metric, arms, differences) for metric in COMPARED_METRICS}

    def cells(arm: Arm) -> tuple[Cell, ...]:
        return tuple(Cell(estimated(name, arm.estimates[name]), marks[name].get(arm, "")) for name in COMPARED_METRICS)

    rows = (Row(arm.label, (Cell(str(len(arm.runs))), *cells(arm))) for arm in arms)
    return Table("repeated runs, with 95 % intervals between runs", _headings("runs", *_ESTIMATE_HEADINGS), tuple(rows))


def _of_differences(differences: Sequence[ArmDifference]) -> Table:
    rows = (Row(each.after.label, tuple(Cell(_moved(name, each)) for name in COMPARED_METRICS)) for each in differences)
    title = f"differences from {differences[0].before.label}; {NOISE}: not significant"
    return Table(title, _headings(*_ESTIMATE_HEADINGS), tuple(rows))


def _moved(metric: str, difference: ArmDifference) -> str:
    estimate = difference.metrics[metric]
    if estimate is not None and estimate.is_none:
        return NO_DIFFERENCE
    if difference.is_significant(metric) is False:
        return NOISE
    return estimated(metric, estimate, signed=True) + (" each" if difference.is_per_softphone(metric) else "")


def _headings(*texts: str) -> tuple[Heading, ...]:
    return tuple(map(Heading, texts))
