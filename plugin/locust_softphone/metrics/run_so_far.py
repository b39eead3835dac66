"""A run as far as it has been measured: what the catalogue works the values and bounds of metrics out from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from locust_softphone.metrics.histogram import PERCENTILES, Histogram
from locust_softphone.metrics.tally import Tally, parts_of

__all__ = ["RunSoFar"]


@dataclass(frozen=True)
class RunSoFar:
    """What has been measured of a run.

    Args:
        tallies: the measurements.
        dialect: the dialect that the softphones speak.
        planned: the planned softphones.
        calls_each: how many calls each makes; None if a user's own script may make any number.
        until_s: the measurements are complete up to this instant, in seconds since the plan's start.
    """

    tallies: Sequence[Tally]
    dialect: str
    planned: int
    calls_each: int | None
    until_s: float

    def count(self, name: str) -> int:
        """A counter."""
        return sum(tally.counts[name] for tally in self.tallies)

    def parts(self, family: str) -> list[str]:
        """The last parts of the counters of a family: ``1000`` and ``1006`` of ``closes``."""
        return list(dict.fromkeys(part for tally in self.tallies for part in parts_of(tally.counts, family)))

    def histogram(self, name: str) -> Histogram:
        """A histogram."""
        merged = Histogram()
        for tally in self.tallies:
            if name in tally.latencies:
                merged.merge(tally.latencies[name])
        return merged

    def last_s(self, event: str) -> float | None:
        """When an event was last counted, in seconds since the plan's start; None if it never was."""
        return max((tally.last_s[event] for tally in self.tallies if event in tally.last_s), default=None)

    @property
    def all_connected(self) -> bool:
        """Whether all planned softphones have connected."""
        return self.count("connected") == self.planned

    @property
    def calls_planned(self) -> int | None:
        """How many calls are planned; None if that is not known."""
        return None if self.calls_each is None else self.planned * self.calls_each

    def duration_s(self, name: str, point: str) -> float | None:
        """A percentile of a histogram, or its maximum; None if it is empty."""
        return self.histogram(name).summary([point]).get(point)

    def least_duration_s(self, name: str, point: str, most: float) -> float:
        """What a percentile will be at least: what it would be if all durations to come were 0.

        Args:
            name: of the histogram.
            point: which percentile, or max.
            most: how many durations there can be in the end.
        """
        known = self.histogram(name)
        if not len(known):
            return 0.0
        if point == "max":
            return max(known.counts())
        if most == inf:
            return 0.0
        if (to_come := int(most) - len(known)) > 0:
            known.record(0.0, to_come)
        return known.percentile_s(PERCENTILES[point])
