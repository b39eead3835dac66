"""The ends of threads as the ramp down of a profile.

In a profile with ``ramp_down`` d, softphone k of n, from 0, leaves at end - d + d·k/n. So threads whose ends are evenly
spaced from a to b have d = (b - a)·n / (n - 1), and the end is a + d.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from locust_softphone.jmeter.start_times import Thread

__all__ = ["RampDown", "ramp_down_of"]

TOLERANCE_S = 0.01


class RampDown(NamedTuple):
    """Softphones that leave one by one.

    Args:
        over_s: from the first one to the end.
        end_s: of the plan.
        exact: whether the threads end evenly spaced, as the softphones leave.
    """

    over_s: float
    end_s: float
    exact: bool


def ramp_down_of(threads: Sequence[Thread]) -> RampDown | None:
    """The ramp down of threads that end in the order of their starts, after the last start; None for all others."""
    ends = [thread.end_s for thread in sorted(threads) if thread.end_s is not None]
    if (
        len(ends) < max(len(threads), 2)
        or ends[0] == ends[-1]
        or any(after < before for before, after in pairwise(ends))
    ):
        return None
    if ends[0] <= max(thread.start_s for thread in threads):
        return None
    last = len(ends) - 1
    each_s = (ends[-1] - ends[0]) / last
    exact = all(abs(ends[0] + each_s * k - end_s) <= TOLERANCE_S for k, end_s in enumerate(ends))
    over_s = round(each_s * len(ends), 3)
    return RampDown(over_s, round(ends[0] + over_s, 3), exact)
