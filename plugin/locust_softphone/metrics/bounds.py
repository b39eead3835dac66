"""What the figures of a run that is not over can still come to, so that an expectation is given up when it is lost.

    a counter             what has been counted, or more
    answered              at most those planned that have not given up
    time_to_connected     later than now, as long as somebody is not connected
    call_setup.p95        at least what it would be if all calls that are still to come took no time at all
    another percentile    anything: how many retries, and so how many durations, are to come, nobody knows

All of it holds whatever happens next: an expectation that cannot hold within these ranges is certain to fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from locust_softphone.metrics.steps import request_steps
from locust_softphone.metrics.tally import PERCENTILES, Latency, Tally, parts_of

__all__ = ["Bounds", "Range"]


class Range(NamedTuple):
    """The values that a metric of a run can still take, both ends included."""

    low: float
    high: float


@dataclass(frozen=True)
class Bounds:
    """A run as far as it is known.

    Args:
        tallies: all that has been measured.
        dialect: what is spoken.
        planned: the planned softphones.
        calls_each: how many calls each makes; None where a script of the user's own may make any number.
        until_s: the instant up to which all of it is known, in seconds since the plan's start.
    """

    tallies: Sequence[Tally]
    dialect: str
    planned: int
    calls_each: int | None
    until_s: float

    def range_of(self, field: str) -> Range:
        """What a field can still come to."""
        first, _, rest = field.partition(".")
        if softphones := self._softphones(field):
            return softphones
        if field == "calls.planned":
            calls = inf if self.calls_each is None else self.planned * self.calls_each
            return Range(0 if self.calls_each is None else calls, calls)
        if field == "time_to_connected":
            return self._time_to_connected()
        if first in ("attempts", "amplification"):
            steps = (rest,) if rest else request_steps(self.dialect)
            attempts = sum(self._count(f"attempts.{step}") for step in steps)
            return Range(attempts / self.planned if first == "amplification" else attempts, inf)
        point = field.rpartition(".")[2]
        if point in PERCENTILES or point == "max":
            return Range(self._least_duration(field.rpartition(".")[0], point), inf)
        return Range(self._counter(field), inf)

    def _softphones(self, field: str) -> Range | None:
        planned, answered, gave_up = self.planned, self._count("answered"), self._count("gave_up")
        return {
            "planned": Range(planned, planned),
            "started": Range(self._count("started"), planned),
            "connected": Range(self._count("connected"), planned),
            "answered": Range(answered, planned - gave_up),
            "gave_up": Range(gave_up, planned - answered),
            "unfinished": Range(0, planned - answered - gave_up),
        }.get(field)

    def _time_to_connected(self) -> Range:
        last_s = max((tally.last_s["connected"] for tally in self.tallies if "connected" in tally.last_s), default=0.0)
        if self._count("connected") == self.planned:
            return Range(last_s, last_s)
        return Range(max(last_s, self.until_s), inf)

    def _least_duration(self, name: str, point: str) -> float:
        """What a percentile is at least, whatever durations are still to come."""
        known = Latency()
        for tally in self.tallies:
            if (latency := tally.latencies.get(name)) is not None:
                known.merge(latency)
        if not len(known):
            return 0.0
        if point == "max":
            return max(known.counts())
        most = self._most_durations(name)
        if most is None:
            return 0.0
        if to_come := max(most - len(known), 0):
            known.record(0.0, to_come)
        return known.percentile_s(PERCENTILES[point])

    def _most_durations(self, name: str) -> int | None:
        if name == "start_lag":
            return self.planned
        if name.startswith("call_setup") and self.calls_each is not None:
            return self.planned * self.calls_each
        return None

    def _counter(self, field: str) -> int:
        first, _, rest = field.partition(".")
        if first == "rate_limited":
            steps = (rest,) if rest else request_steps(self.dialect)
            return sum(self._count(f"outcomes.{step}.rate_limited") for step in steps)
        if field in ("closes", "abnormal_closes"):
            return sum(n for tally in self.tallies for n in parts_of(tally.counts, field).values())
        return self._count(field)

    def _count(self, name: str) -> int:
        return sum(tally.counts[name] for tally in self.tallies)
