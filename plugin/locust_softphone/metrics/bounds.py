"""What a metric can still come to while its run goes on, so that a run can be aborted when an expectation has failed.

The ranges hold whatever happens next: an expectation that no value in the range meets is certain to fail. The
functions' docstrings are the column "while the run goes on" of docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from locust_softphone.metrics.run_so_far import RunSoFar

__all__ = ["Bounds", "Range"]


class Range(NamedTuple):
    """The values that a metric can still have when the run ends, both ends included."""

    low: float
    high: float


Bounds = Callable[[RunSoFar, str, float], Range]
"""Works out the range from the run so far, the metric's name and its value now."""


def only_grows(run: RunSoFar, name: str, now: float) -> Range:
    """only grows"""
    return Range(now, inf)


def up_to_planned(run: RunSoFar, name: str, now: float) -> Range:
    """grows up to `planned`"""
    return Range(now, run.planned)


def one_or_the_other(run: RunSoFar, name: str, now: float) -> Range:
    """grows up to `planned`, without the softphones that already ended the other way"""
    other = {"answered": "gave_up", "gave_up": "answered"}[name]
    return Range(now, run.planned - run.count(other))


def undecided(run: RunSoFar, name: str, now: float) -> Range:
    """at most the softphones that were neither answered nor gave up"""
    return Range(0, run.planned - run.count("answered") - run.count("gave_up"))


def planned(run: RunSoFar, name: str, now: float) -> Range:
    """fixed"""
    return Range(now, now)


def calls_planned(run: RunSoFar, name: str, now: float) -> Range:
    """fixed; unknown if a user's own script makes the calls"""
    return Range(0, inf) if run.calls_planned is None else Range(now, now)


def now_or_later(run: RunSoFar, name: str, now: float) -> Range:
    """at least the time that has passed, until all are connected"""
    last_s = run.last_s("connected") or 0.0
    return Range(last_s, last_s) if run.all_connected else Range(max(last_s, run.until_s), inf)


def any_number(run: RunSoFar, name: str, now: float) -> Range:
    """a percentile can come to anything; the maximum only grows"""
    return _if_the_rest_took_no_time(run, name, inf)


def of_softphones(run: RunSoFar, name: str, now: float) -> Range:
    """at least what it would be if all softphones to come had no lag"""
    return _if_the_rest_took_no_time(run, name, run.planned)


def of_calls(run: RunSoFar, name: str, now: float) -> Range:
    """at least what it would be if all calls to come took no time"""
    return _if_the_rest_took_no_time(run, name, inf if run.calls_planned is None else run.calls_planned)


def _if_the_rest_took_no_time(run: RunSoFar, name: str, most: float) -> Range:
    histogram, _, point = name.rpartition(".")
    return Range(run.least_duration_s(histogram, point, most), inf)
