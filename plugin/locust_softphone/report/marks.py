"""Which run is the best and which the worst in each column of the table.

A figure that is good only because most softphones gave up is not the best: of attempts and of set-up times, the best
is one of a run that had every softphone answered. A mark that most runs would share says nothing, and is left out, as
are runs that are not valid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from locust_softphone.metrics.catalogue import FIELDS
from locust_softphone.report.comparison import COLUMNS, Column, Run

__all__ = ["BEST", "WORST", "marks"]

BEST, WORST = "best", "worst"


def marks(runs: Sequence[Run]) -> list[list[str]]:
    """For each run, the mark of each column: best, worst or nothing."""
    by_column = [_of_column(column, runs) for column in COLUMNS]
    return [list(row) for row in zip(*by_column, strict=True)]


def _of_column(column: Column, runs: Sequence[Run]) -> list[str]:
    found = ["" for _ in runs]
    valid = [place for place, run in enumerate(runs) if run.verdict != "invalid"]
    if not column.better or not valid:
        return found
    badness = {place: _badness(column, runs[place]) for place in valid}
    good = [place for place in valid if not column.of_all or _all_answered(runs[place])]
    least, most = min((badness[place] for place in good), default=None), max(badness.values())
    best = [place for place in good if badness[place] == least]
    worst = [place for place in valid if badness[place] == most]
    for places, mark in ((worst, WORST), (best, BEST)):
        if least != most and len(places) <= len(valid) / 2:
            for place in places:
                found[place] = mark
    return found


def _all_answered(run: Run) -> bool:
    return run.facts["answered"] == run.facts["planned"]


def _badness(column: Column, run: Run) -> float:
    """The figure as a number of which less is better; what never happened is worse than anything."""
    value = run.facts[column.fact]
    if value is None:
        return math.inf
    if FIELDS[column.fact] in ("softphones", "count"):
        value /= max(run.facts["planned"] or 0, 1)
    return -value if column.better == "more" else value
