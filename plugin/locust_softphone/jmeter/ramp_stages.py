"""Start times as the stages of a profile's ramp.

A stage starts its n softphones evenly from its begin, so a run of equal gaps is one stage, starts at one instant are a
stage over 0 s, and a longer gap is a hold. Start times with many different gaps are counted by second: each second is a
stage, and consecutive seconds with the same count are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from locust_softphone.config.schedule import Stage

__all__ = ["stages_for"]

MOST_STAGES = 24
TOLERANCE_S = 0.0005
"""JMeter plans in milliseconds."""


def stages_for(starts: Sequence[float]) -> tuple[list[Stage], bool]:
    """The stages that start softphones at these instants, and whether they do so exactly.

    Args:
        starts: in order, in seconds after the begin of the plan; at least one.
    """
    stages = _by_equal_gaps(starts)
    exact = len(stages) <= MOST_STAGES
    return (stages if exact else _by_second(starts)), exact


def _by_equal_gaps(starts: Sequence[float]) -> list[Stage]:
    stages = [Stage(None, starts[0])] if starts[0] > TOLERANCE_S else []
    first = 0
    while first < len(starts):
        end = _end_of_run(starts, first)
        gap = starts[first + 1] - starts[first] if first + 1 < len(starts) else 0.0
        over_s = gap * (end - first) if gap > TOLERANCE_S else 0.0
        if end < len(starts):
            over_s = min(over_s, starts[end] - starts[first])
        stages.append(Stage(end, round(over_s, 6)))
        if end < len(starts) and (rest_s := starts[end] - starts[first] - over_s) > TOLERANCE_S:
            stages.append(Stage(None, round(rest_s, 6)))
        first = end
    return stages


def _end_of_run(starts: Sequence[float], first: int) -> int:
    """The end of the longest run of equal gaps from ``first`` on that one stage can start."""
    if first + 1 == len(starts):
        return first + 1
    gap = starts[first + 1] - starts[first]
    end = first + 1
    while end < len(starts) and abs(starts[end] - starts[first] - gap * (end - first)) <= TOLERANCE_S:
        end += 1
    if end < len(starts) and gap > TOLERANCE_S and starts[end] - starts[end - 1] < gap - TOLERANCE_S:
        end -= 1  # its last softphone would have to wait longer than it does: it belongs to the next stage
    return end


def _by_second(starts: Sequence[float]) -> list[Stage]:
    counts = [0] * (int(starts[-1]) + 1)
    for start_s in starts:
        counts[int(start_s)] += 1
    stages, reached = [], 0
    for count, seconds in groupby(counts):
        over_s = float(len(list(seconds)))
        reached += int(count * over_s)
        stages.append(Stage(reached if count else None, over_s))
    return stages
