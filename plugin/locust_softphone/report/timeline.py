"""A run second by second, as its record has it: read once, and refused as a whole where it is not what it should be.

    counts[4]["attempts.offer"]       what happened in the fifth second
    setups[4]["p95"]                  of the calls planned for it, how long 95 per cent took at most
    retries                           the sample of retries that had been told when to come

Records from before these were kept have no ``setups``, no ``retries`` and nobody ``connected_now``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from locust_softphone.metrics.retry_after_sample import RetryAfterSample

__all__ = ["Timeline", "timeline_of"]


@dataclass(frozen=True)
class Timeline:
    """What happened in each second from the plan's start; a second or a counter that is not there is 0."""

    counts: Mapping[int, Mapping[str, float]]
    setups: Mapping[int, Mapping[str, float]]
    retries: tuple[RetryAfterSample, ...]

    @property
    def seconds(self) -> int:
        """How many seconds there are."""
        return max((*self.counts, *self.setups), default=-1) + 1

    def names(self, prefix: str) -> list[str]:
        """The counters that begin so and were ever counted, without the prefix, in the order they are met."""
        found = {name: None for counts in self.counts.values() for name in counts if name.startswith(prefix)}
        return [name.removeprefix(prefix) for name in found]

    def has(self, name: str) -> bool:
        return any(name in counts for counts in self.counts.values())


def timeline_of(record: Mapping[str, Any]) -> Timeline:
    """The timeline of a record.

    Raises:
        KeyError: something is missing.
        TypeError, ValueError: something is not what it should be.
    """
    counts: dict[int, dict[str, float]] = {}
    setups: dict[int, dict[str, float]] = {}
    for row in record["timeline"]:
        second = row["second"]
        if not isinstance(second, int) or second < 0:
            raise ValueError("a second of the timeline is no whole number")
        counts[second] = _numbers((name, value) for name, value in row.items() if name not in ("second", "call_setup"))
        if "call_setup" in row:
            setups[second] = _numbers(row["call_setup"].items())
    retries = [_numbers((name, each[name]) for name in ("deadline_s", "retried_s")) for each in _sample(record)]
    steps = [str(each["step"]) for each in _sample(record)]
    return Timeline(
        counts, setups, tuple(RetryAfterSample(step, **times) for step, times in zip(steps, retries, strict=True))
    )


def _sample(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    sample: Iterable[Mapping[str, Any]] = record["retries"].get("sample", ())
    return sample


def _numbers(pairs: Iterable[tuple[str, Any]]) -> dict[str, float]:
    numbers = dict(pairs)
    for name, value in numbers.items():
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise TypeError(f"{name} is no number")
    return numbers
