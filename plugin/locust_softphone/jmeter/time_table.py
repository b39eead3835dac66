"""When a thread group really starts its threads, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from locust_softphone.jmeter.plan_import import ImportedGroup

__all__ = ["TimeRow", "TimeTable", "time_table"]

MOST_ROWS = 20
MOST_SAMPLERS = 3
_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)

_ROUNDING = 1e-6
"""9.9999999 s is 10 s."""


class TimeRow(NamedTuple):
    """A part of the time of a plan.

    Args:
        from_s: its begin.
        to_s: its end.
        starts: how many softphones start in it.
        share: of the row with the most starts, from 0 to 1.
        numbers: of each further column.
    """

    from_s: int
    to_s: int
    starts: int
    share: float
    numbers: list[int]

    @property
    def span(self) -> str:
        """The seconds as text."""
        return f"{self.from_s}–{self.to_s}"


class TimeTable(NamedTuple):
    """The starts over time.

    Args:
        titles: of the further columns: the samplers whose first samples come later, and the second pass.
        rows: of the same width.
    """

    titles: list[str]
    rows: list[TimeRow]


def time_table(group: ImportedGroup) -> TimeTable:
    """The table of a group, in at most ``MOST_ROWS`` rows."""
    later = [n for n, times in enumerate(group.samples) if times and list(times) != list(group.starts)][:MOST_SAMPLERS]
    titles = [f"{group.uses[n].roles[0].value} {n + 1}" for n in later]
    columns = [group.starts, *(group.samples[n] for n in later)]
    if group.again:
        titles.append("second pass")
        columns.append(group.again)
    last_s = max(times[-1] for times in columns)
    width = next((w for w in _WIDTHS_S if last_s < w * MOST_ROWS), int(last_s / MOST_ROWS) + 1)
    counted = [_counts(times, width, int(last_s / width + _ROUNDING) + 1) for times in columns]
    most = max(counted[0])
    rows = [
        TimeRow(row * width, (row + 1) * width, starts, starts / most, numbers)
        for row, (starts, *numbers) in enumerate(zip(*counted, strict=True))
    ]
    return TimeTable(titles, rows)


def _counts(times: Sequence[float], width: int, rows: int) -> list[int]:
    counts = [0] * rows
    for time_s in times:
        counts[min(int(time_s / width + _ROUNDING), rows - 1)] += 1
    return counts
