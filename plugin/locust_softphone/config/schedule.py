"""When each softphone starts: arithmetic over the whole fleet, in seconds after the plan's start.

A plan is a sequence of stages. A stage begins at ``t0`` with ``n0`` softphones started and reaches ``to`` softphones
after ``over`` seconds. It starts the n-th softphone (counted from 0) at

    start(n) = t0 + (n - n0) * over / (to - n0)                for n0 <= n < to

So 500 softphones over 60 s start every 0.12 s, the last one at 59.88 s, and 500 over 0 s start at the same instant. A
stage that starts no softphones is a hold.

Poisson arrivals have the same stages and counts. For a known number of events in an interval, the times of a Poisson
process are sorted uniform variates (Ross, "Introduction to Probability Models", 5.3.5):

    start(n) = t0 + over * u[n - n0]        u = sorted variates in [0, 1), drawn from the seed

A softphone leaves ``stay`` seconds after its start. In a ramp down over ``d`` seconds, it leaves at the latest at

    leave(n) = end - d * (users - n) / users

so those that started first leave first, evenly spaced. Without either, all leave at the end.

Worker i of N runs the softphones i, i + N, i + 2N, …. Every worker computes the same plan, so it need not be sent.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

__all__ = ["Arrivals", "Schedule", "Stage"]

Arrivals = Literal["uniform", "poisson"]

WINDOW_S = 1 - 1e-9  # a little less than a second, or rounding would count 51 starts of 50/s in it


@dataclass(frozen=True)
class Stage:
    """Reach ``to`` softphones after ``over_s`` seconds (0: all at the same instant); ``to`` None starts none."""

    to: int | None
    over_s: float


@dataclass(frozen=True)
class Schedule:
    """The planned start of each of ``users`` softphones.

    Args:
        users: the number of softphones, at least 1.
        stages: one after the other; the last one reaches ``users``.
        arrivals: evenly spaced within a stage, or like a Poisson process.
        seed: of the Poisson arrivals; the same seed gives the same plan in every process and Python version.
        stay_s: how long each softphone stays after its start; None stays to the end.
        ramp_down_s: in how many seconds before the end the softphones leave one by one.

    Raises:
        ValueError: a stage does not rise, the last one does not reach ``users``, or a duration is negative.
    """

    users: int
    stages: tuple[Stage, ...]
    arrivals: Arrivals = "uniform"
    seed: int = 0
    stay_s: float | None = None
    ramp_down_s: float = 0.0

    def __post_init__(self) -> None:
        reached = [0, *(stage.to for stage in self.stages if stage.to is not None)]
        for before, to in pairwise(reached):
            if to <= before:
                raise ValueError(f"a stage to {to} follows one to {before}; each stage must reach more softphones")
        end = "hold" if self.stages and self.stages[-1].to is None else f"stop at {reached[-1]}"
        if end != f"stop at {self.users}":
            raise ValueError(f"the last stage must reach the {self.users} users, not {end}")
        if any(stage.over_s < 0 for stage in self.stages):
            raise ValueError("a stage cannot have a negative duration")

    @cached_property
    def _spans(self) -> tuple[tuple[int, int, float, float], ...]:
        """(n0, to, t0, over) of each stage that starts softphones."""
        spans = []
        reached, start_s = 0, 0.0
        for stage in self.stages:
            if stage.to is not None:
                spans.append((reached, stage.to, start_s, stage.over_s))
                reached = stage.to
            start_s += stage.over_s
        return tuple(spans)

    @cached_property
    def _variates(self) -> tuple[float, ...]:
        """u[n - n0] of each n, for Poisson arrivals; Python guarantees the values of ``random()`` only."""
        draw = random.Random(self.seed).random
        return tuple(u for n0, to, _, _ in self._spans for u in sorted(draw() for _ in range(n0, to)))

    def start_time(self, n: int) -> float:
        """When the n-th softphone starts, in seconds after the plan's start."""
        if not 0 <= n < self.users:
            raise IndexError(f"no softphone {n} in a plan of {self.users}")
        n0, to, start_s, over_s = self._spans[bisect_right(self._spans, n, key=lambda span: span[0]) - 1]
        if self.arrivals == "poisson":
            return start_s + over_s * self._variates[n]
        return start_s + (n - n0) * over_s / (to - n0)

    def __iter__(self) -> Iterator[float]:
        """Every planned start, in order."""
        return (self.start_time(n) for n in range(self.users))

    @property
    def last_start_s(self) -> float:
        """When the last softphone starts."""
        return self.start_time(self.users - 1)

    def leave_time(self, n: int, end_s: float) -> float:
        """When the n-th softphone leaves, in seconds after the plan's start; ``end_s`` at the latest."""
        latest_s = end_s - self.ramp_down_s * (self.users - n) / self.users
        return latest_s if self.stay_s is None else min(self.start_time(n) + self.stay_s, latest_s)

    def left_by(self, t_s: float, end_s: float) -> int:
        """How many softphones have left before ``t_s``; those that stay to ``end_s`` have not."""
        left = bisect_right(range(self.users), t_s, key=lambda n: self.leave_time(n, end_s))
        return left if t_s < end_s else self._leaving_early(end_s)

    def present_at(self, t_s: float, end_s: float) -> int:
        """How many softphones have started and not left."""
        return self.started_by(t_s) - self.left_by(t_s, end_s)

    def leaves_per_second(self, end_s: float) -> list[int]:
        """The planned leaves before ``end_s``, the plan's end, in each second; empty if there are none."""
        if not self._leaving_early(end_s):
            return []
        by_end = [self.left_by(second + 1 - 1e-9, end_s) for second in range(int(end_s) + 1)]
        return [after - before for before, after in zip([0, *by_end], by_end, strict=False)]

    def _leaving_early(self, end_s: float) -> int:
        """How many softphones leave before the end."""
        return bisect_left(range(self.users), end_s, key=lambda n: self.leave_time(n, end_s))

    def started_by(self, t_s: float) -> int:
        """How many softphones have started ``t_s`` seconds after the plan's start."""
        return bisect_right(range(self.users), t_s, key=self.start_time)

    def starts_per_second(self, duration_s: float) -> list[int]:
        """The planned starts in each second of a plan of this duration."""
        by_end = [self.started_by(second + 1 - 1e-9) for second in range(int(duration_s) + 1)]
        return [after - before for before, after in zip([0, *by_end], by_end, strict=False)]

    def peak_starts_per_s(self) -> int:
        """The largest number of starts in any one second."""
        starts = list(self)
        peak = first = 0
        for last, start_s in enumerate(starts):
            while start_s - starts[first] >= WINDOW_S:
                first += 1
            peak = max(peak, last - first + 1)
        return peak
