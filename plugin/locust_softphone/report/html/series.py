"""The data of the charts as plain lists, on one time axis: 0 is the start of each run's plan.

A chart is about a thousand pixels wide, so a long run has several seconds per point, the same number in every run:

    events            their sum over these seconds
    a number of       the value at the end of the last second
      softphones
    a percentile      the slowest of these seconds

A counter that was never counted has no list.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.report.arms import Run
from locust_softphone.report.html.limit_series import limit_series
from locust_softphone.report.timeline import Timeline

__all__ = ["PERCENTILES", "charts"]

PERCENTILES = ("p50", "p95", "p99")

MOST_POINTS = 600  # of one series
MOST_POINTS_OF_ALL = 7200  # of one series in each of the runs together
WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)


def charts(runs: Sequence[Run]) -> dict[str, Any]:
    """The series of all runs, and how many seconds each point covers."""
    seconds = max((run.timeline.seconds for run in runs), default=0)
    points = min(MOST_POINTS, max(MOST_POINTS_OF_ALL // max(len(runs), 1), 1))
    width_s = next((width for width in WIDTHS_S if width * points >= seconds), -(-seconds // points))
    return {"width_s": width_s, "seconds": seconds, "runs": [_of_run(run, width_s) for run in runs]}


def _of_run(run: Run, width_s: int) -> dict[str, Any]:
    timeline = run.timeline
    sample = [RetryAfterSample(each.step, each.deadline_s, each.retried_s) for each in run.record.retries.sample]
    return {
        "attempts": _by_name(timeline, "attempts.", width_s),
        "limited": _by_name(timeline, "rate_limited.", width_s),
        "closes": _by_name(timeline, "abnormal_closes.", width_s),
        "presence": _presence(timeline, width_s),
        "setup": {name: _slowest(timeline, name, width_s) for name in PERCENTILES} if timeline.setups else {},
        "limits": limit_series(run.record),
        "retries": {
            "deadline_s": [round(retry.deadline_s, 3) for retry in sample],
            "retried_s": [round(retry.retried_s, 3) for retry in sample],
            "too_early": [int(retry.too_early) for retry in sample],
        },
    }


def _by_name(timeline: Timeline, prefix: str, width_s: int) -> dict[str, list[float]]:
    return {name: _sums(timeline, prefix + name, width_s) for name in timeline.names(prefix)}


def _presence(timeline: Timeline, width_s: int) -> dict[str, list[float]]:
    """Softphones that should have started and not left, that are connected, that are in a call.

    Older records only have how many were ever connected or answered; the page says so.
    """

    def ever(name: str) -> list[float]:
        return list(accumulate(_sums(timeline, name, width_s)))

    known = timeline.has("connected_now")
    return {
        "planned": [started - left for started, left in zip(ever("planned"), ever("planned_leaves"), strict=True)],
        "connected": _ends(timeline, "connected_now", width_s) if known else ever("connected"),
        "in_call": _ends(timeline, "in_call_now", width_s) if known else ever("answered"),
    }


def _sums(timeline: Timeline, name: str, width_s: int) -> list[float]:
    sums: list[float] = [0] * -(-timeline.seconds // width_s)
    for second, counts in timeline.counts.items():
        sums[second // width_s] += counts.get(name, 0)
    return sums


def _ends(timeline: Timeline, name: str, width_s: int) -> list[float]:
    last = timeline.seconds - 1
    ends = range(width_s - 1, timeline.seconds + width_s - 1, width_s)
    return [timeline.at(min(end, last), name) for end in ends]


def _slowest(timeline: Timeline, name: str, width_s: int) -> list[float | None]:
    slowest: list[float | None] = [None] * -(-timeline.seconds // width_s)
    for second, summary in timeline.setups.items():
        slowest[second // width_s] = max(slowest[second // width_s] or 0.0, getattr(summary, name))
    return slowest
