"""When the n-th softphone is to start: pure arithmetic over the whole fleet, in seconds after the plan's start.

A plan is a row of stages. A stage that begins at ``t0`` with ``n0`` softphones planned and takes ``over`` seconds to
reach ``to`` starts the n-th softphone (counted from 0) at

    start(n) = t0 + (n - n0) * over / (to - n0)                for n0 <= n < to

so 500 over 60 s start every 0.12 s, the last one at 59.88 s, and 500 over 0 s start at the same instant. A stage that
adds nobody is a hold.

Poisson arrivals keep the stages and their counts. Given how many events a Poisson process has in an interval, their
times are that many uniform variates, sorted (Ross, "Introduction to Probability Models", 5.3.5):

    start(n) = t0 + over * u[n - n0]        u = sorted variates in [0, 1), drawn from the seed

Worker i of N serves n = i, i + N, i + 2N, ...: every worker computes the same plan, so none has to be told.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

__all__ = ["Arrivals", "Schedule", "Stage"]

Arrivals = Literal["uniform", "poisson"]

WINDOW_S = 1 - 1e-9  # a second without its end, wide enough that rounding does not put the 51st of 50/s into it


@dataclass(frozen=True)
class Stage:
    """Reach ``to`` softphones, evenly over ``over_s`` seconds (0: all at once); ``to`` None: start nobody."""

    to: int | None
    over_s: float


@dataclass(frozen=True)
class Schedule:
    """The planned start of each of ``users`` softphones.

    Args:
        users: how many softphones the plan has, at least 1.
        stages: one after the other; the last one reaches ``users``.
        arrivals: evenly spaced within a stage, or as a Poisson process would have them.
        seed: of the Poisson arrivals: the same seed is the same plan, in every process and Python version.

    Raises:
        ValueError: the stages fall, end elsewhere than at ``users``, or last a negative time.
    """

    users: int
    stages: tuple[Stage, ...]
    arrivals: Arrivals = "uniform"
    seed: int = 0

    def __post_init__(self) -> None:
        reached = [0, *(stage.to for stage in self.stages if stage.to is not None)]
        for before, to in pairwise(reached):
            if to <= before:
                raise ValueError(f"a stage to {to} after one to {before}: softphones only ever start, stages must rise")
        if reached[-1] != self.users or not self.stages or self.stages[-1].to is None:
            raise ValueError(f"the last stage must reach the {self.users} users, not hold or stop at {reached[-1]}")
        if any(stage.over_s < 0 for stage in self.stages):
            raise ValueError("a stage cannot last a negative time")

    @cached_property
    def _spans(self) -> tuple[tuple[int, int, float, float], ...]:
        """(n0, to, t0, over) of each stage in which somebody starts."""
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
        """u[n - n0] of each n, for Poisson arrivals; ``random()`` is the one method whose values Python guarantees."""
        draw = random.Random(self.seed).random
        return tuple(u for n0, to, _, _ in self._spans for u in sorted(draw() for _ in range(n0, to)))

    def start_time(self, n: int) -> float:
        """When the n-th softphone is to start, in seconds after the plan's start."""
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
        """When the last softphone is to start."""
        return self.start_time(self.users - 1)

    def started_by(self, t_s: float) -> int:
        """How many softphones are to have started ``t_s`` seconds after the plan's start."""
        return bisect_right(range(self.users), t_s, key=self.start_time)

    def share(self, offset: int, stride: int) -> range:
        """The softphones of worker ``offset`` of ``stride``; all the shares together are the plan, each once."""
        if not 0 <= offset < stride:
            raise ValueError(f"no worker {offset} among {stride}")
        return range(offset, self.users, stride)

    def peak_starts_per_s(self) -> int:
        """The largest number of starts in any one second."""
        starts = list(self)
        peak = first = 0
        for last, start_s in enumerate(starts):
            while start_s - starts[first] >= WINDOW_S:
                first += 1
            peak = max(peak, last - first + 1)
        return peak
