"""How long calls took to set up, by the second in which the plan had them begin.

A histogram for each second, coarse enough to have one for each second of an hour: a duration is kept to one part in 32,
and given back as the middle of what it may have been, so that no percentile is wrong by more than 1.6 per cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from locust_softphone.metrics.counter_series import CounterSeries

__all__ = ["SetupTimes"]

_MICROSECONDS = 1_000_000
_SIGNIFICANT_BITS = 6  # the lowest of them is one part in 32 to 63
_PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}


class SetupTimes:
    """Call set-up times from the planned start; adds up over processes."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: CounterSeries[int] = CounterSeries()

    def record(self, planned_s: float, took_s: float) -> None:
        """A call that was planned for this instant was answered so many seconds later."""
        value = max(round(took_s * _MICROSECONDS), 0)
        shift = value.bit_length() - _SIGNIFICANT_BITS
        if shift > 0:
            value = value >> shift << shift
        self._seconds.at(max(int(planned_s), 0))[value] += 1

    def merge(self, other: SetupTimes) -> None:
        self._seconds.merge(other._seconds)

    @property
    def last(self) -> int:
        """The last second for which a call was planned that was answered, or -1."""
        return self._seconds.last

    def summaries(self) -> dict[int, dict[str, float]]:
        """Count and percentiles in seconds, for each second in which a call was planned that was answered."""
        return {second: _summary(counts) for second, counts in self._seconds.items()}

    def to_plain(self) -> list[list[int]]:
        """Second, value, count, value, count, … for each second."""
        return self._seconds.plain()

    @classmethod
    def from_plain(cls, plain: Iterable[Sequence[int]]) -> SetupTimes:
        times = cls()
        for second, *numbers in plain:
            times._seconds.at(second).update(dict(zip(numbers[::2], numbers[1::2], strict=True)))
        return times


def _summary(counts: Mapping[int, int]) -> dict[str, float]:
    total = sum(counts.values())
    summary: dict[str, float] = {"count": total}
    reached = 0
    points = list(_PERCENTILES.items())
    for value in sorted(counts):
        reached += counts[value]
        while points and reached * 100 >= points[0][1] * total:
            summary[points.pop(0)[0]] = _middle_s(value)
    return summary


def _middle_s(lowest: int) -> float:
    """Of all durations that are counted as this one, the middle one."""
    shift = lowest.bit_length() - _SIGNIFICANT_BITS
    return (lowest + (1 << shift >> 1 if shift > 0 else 0)) / _MICROSECONDS
