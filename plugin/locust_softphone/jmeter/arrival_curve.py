"""When the n-th event comes if a rate over time is given: by area, not by rate.

The rate goes from ``from_per_s`` to ``to_per_s`` over ``over_s`` seconds, in a straight line. Up to t seconds into the
segment come

    area(t) = a·t + (b - a)·t² / (2·over)

events. The n-th event comes when the area over all segments reaches n; the first one (n = 0) when it is above 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

__all__ = ["RateSegment", "arrival_times", "open_model_segments", "steps_to"]

_EPSILON = 1e-9


@dataclass(frozen=True)
class RateSegment:
    """A part of a schedule.

    Args:
        from_per_s: the rate at its begin.
        to_per_s: the rate at its end.
        over_s: how long it takes.
    """

    from_per_s: float
    to_per_s: float
    over_s: float

    @property
    def area(self) -> float:
        """How many events it has."""
        return (self.from_per_s + self.to_per_s) / 2 * self.over_s

    def time_of(self, area: float) -> float:
        """When, after its begin, it has had this many events."""
        slope = (self.to_per_s - self.from_per_s) / self.over_s
        if abs(slope) < _EPSILON:
            return area / self.from_per_s
        root = sqrt(max(self.from_per_s**2 + 2 * slope * area, 0.0))
        return (root - self.from_per_s) / slope


def arrival_times(segments: Iterable[RateSegment]) -> Iterator[float]:
    """When each event of a schedule comes, in seconds."""
    begin_s = before = 0.0
    number = 0
    for segment in segments:
        if segment.over_s <= 0:
            continue
        after = before + segment.area
        while number < after - _EPSILON:
            yield begin_s + (segment.time_of(number - before) if number > before else 0.0)
            number += 1
        begin_s, before = begin_s + segment.over_s, after


def steps_to(level: float, over_s: float, steps: int, hold_s: float) -> list[RateSegment]:
    """The schedule of an Arrivals Thread Group: up to a level in a line or in steps, then constant."""
    if not over_s:
        return [RateSegment(level, level, hold_s)]
    if not steps:
        return [RateSegment(0.0, level, over_s), RateSegment(level, level, hold_s)]
    each_s = over_s / steps
    rises = [level * (step + 1) / steps for step in range(steps)]
    return [*(RateSegment(rate, rate, each_s) for rate in rises), RateSegment(level, level, hold_s)]


_OPEN_MODEL = re.compile(r"\s*(rate|random_arrivals|even_arrivals|pause|//[^\n]*)\s*(?:\(([^()]*)\))?")
_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "d": 86400.0}


def open_model_segments(schedule: str) -> tuple[list[RateSegment], bool]:
    """The schedule of an Open Model Thread Group, and whether its arrivals are random.

    ``rate(0/s) random_arrivals(10 s) rate(5/s) pause(2 s)``: the rate goes in a line from the one before to the next;
    without a next one it stays.

    Raises:
        ValueError: a part cannot be read; the text shows it.
    """
    parts = _open_model_parts(schedule)
    segments: list[RateSegment] = []
    rate = 0.0
    for number, (word, text) in enumerate(parts):
        if word == "rate":
            rate = _rate(text)
        elif word == "pause":
            segments.append(RateSegment(0.0, 0.0, _seconds(text)))
        else:
            following = parts[number + 1] if number + 1 < len(parts) else ("", "")
            to = _rate(following[1]) if following[0] == "rate" else rate
            segments.append(RateSegment(rate, to, _seconds(text)))
    return segments, any(word == "random_arrivals" for word, _ in parts)


def _open_model_parts(schedule: str) -> Sequence[tuple[str, str]]:
    parts, position = [], 0
    schedule = schedule.strip()
    while position < len(schedule):
        found = _OPEN_MODEL.match(schedule, position)
        if found is None or not found.end() > position:
            raise ValueError(schedule[position : position + 40])
        if not found[1].startswith("//"):
            parts.append((found[1], found[2] or ""))
        position = found.end()
    return parts


def _rate(text: str) -> float:
    number, _, unit = text.partition("/")
    return float(number) / _unit(unit.strip() or "s", text) if float(number) else 0.0


def _seconds(text: str) -> float:
    total = 0.0
    for number, unit in re.findall(r"([0-9.]+)\s*([a-z]*)", text):
        total += float(number) * _unit(unit or "s", text)
    return total


def _unit(word: str, text: str) -> float:
    if word not in _SECONDS:
        raise ValueError(text)
    return _SECONDS[word]
