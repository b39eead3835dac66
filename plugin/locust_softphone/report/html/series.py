"""What the charts show, as plain lists on a clock that all runs share: the plan's start is 0 for each.

An hour is too much for a chart a thousand pixels wide, so seconds are put together, as many as keep the number of
points in bounds, the same number in every run:

    what happened          the sum over them
    what there is          the value at the end of the last one
    a percentile           the slowest of them

A run that is over has no more points. What was never counted has no list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from locust_softphone.report.comparison import Run
from locust_softphone.report.timeline import Timeline

__all__ = ["PERCENTILES", "charts"]

PERCENTILES = ("p50", "p95", "p99")

MOST_POINTS = 600  # of one series
MOST_POINTS_OF_ALL = 7200  # of one series in each of the runs together
WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)


def charts(runs: Sequence[Run]) -> dict[str, Any]:
    """The series of all runs, and how many seconds each of their points stands for."""
    seconds = max((run.timeline.seconds for run in runs), default=0)
    points = min(MOST_POINTS, max(MOST_POINTS_OF_ALL // max(len(runs), 1), 1))
    width_s = next((width for width in WIDTHS_S if width * points >= seconds), -(-seconds // points))
    return {"width_s": width_s, "seconds": seconds, "runs": [_of_run(run.timeline, width_s) for run in runs]}


def _of_run(timeline: Timeline, width_s: int) -> dict[str, Any]:
    return {
        "attempts": _by_name(timeline, "attempts.", width_s),
        "limited": _by_name(timeline, "rate_limited.", width_s),
        "closes": _by_name(timeline, "abnormal_closes.", width_s),
        "presence": _presence(timeline, width_s),
        "setup": {name: _slowest(timeline, name, width_s) for name in PERCENTILES} if timeline.setups else {},
        "retries": {
            "deadline_s": [round(retry.deadline_s, 3) for retry in timeline.retries],
            "retried_s": [round(retry.retried_s, 3) for retry in timeline.retries],
            "too_early": [int(retry.too_early) for retry in timeline.retries],
        },
    }


def _by_name(timeline: Timeline, prefix: str, width_s: int) -> dict[str, list[float]]:
    return {name: _sums(timeline, prefix + name, width_s) for name in timeline.names(prefix)}


def _presence(timeline: Timeline, width_s: int) -> dict[str, list[float]]:
    """Softphones that should have started, that are connected, that are in a call.

    A record from before that was noted has who ever was: better than nothing, and the page says so.
    """
    known = timeline.has("connected_now")
    return {
        "planned": list(accumulate(_sums(timeline, "planned", width_s))),
        "connected": _ends(timeline, "connected_now", width_s)
        if known
        else list(accumulate(_sums(timeline, "connected", width_s))),
        "in_call": _ends(timeline, "in_call_now", width_s)
        if known
        else list(accumulate(_sums(timeline, "answered", width_s))),
    }


def _sums(timeline: Timeline, name: str, width_s: int) -> list[float]:
    sums: list[float] = [0] * -(-timeline.seconds // width_s)
    for second, counts in timeline.counts.items():
        sums[second // width_s] += counts.get(name, 0)
    return sums


def _ends(timeline: Timeline, name: str, width_s: int) -> list[float]:
    empty: Mapping[str, float] = {}
    last = timeline.seconds - 1
    ends = range(width_s - 1, timeline.seconds + width_s - 1, width_s)
    return [timeline.counts.get(min(end, last), empty).get(name, 0) for end in ends]


def _slowest(timeline: Timeline, name: str, width_s: int) -> list[float | None]:
    slowest: list[float | None] = [None] * -(-timeline.seconds // width_s)
    for second, summary in timeline.setups.items():
        if name in summary:
            slowest[second // width_s] = max(slowest[second // width_s] or 0.0, summary[name])
    return slowest
