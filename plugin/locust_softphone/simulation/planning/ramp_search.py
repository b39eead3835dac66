"""Searches for the shortest ramp that holds. Pure: whether a ramp holds is asked from the caller.

    a ramp      ``at_once`` softphones at the start, the others evenly over ``seconds``
    at_once 0   a linear ramp: the same as a constant rate

    1. all at once                                        4. less time, for several starts up to that one
    2. the shortest linear ramp                           5. the same around the best one, with finer steps
    3. the largest start that still holds in that time

A longer ramp or a smaller start is assumed to hold if a shorter or larger one does. With windows that is not always so:
after step 2, some much shorter ramps are tried too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["PRECISION", "RampShape", "shortest_ramp"]

PRECISION = 0.003
"""The search ends when a ramp that is shorter by this share does not hold."""

_SHORTER = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
_STARTS = (1.0, 0.97, 0.9, 0.8, 0.6, 0.4, 0.2)


class RampShape(NamedTuple):
    """A ramp.

    Args:
        at_once: how many softphones start at the beginning.
        seconds: over how many seconds the others start.
    """

    at_once: int
    seconds: float


Holds = Callable[[RampShape], bool]


def shortest_ramp(users: int, holds: Holds, *, guess_s: float, most_s: float) -> RampShape | None:
    """The shortest ramp that holds, or None if not even one of ``most_s`` seconds does.

    Args:
        users: the number of softphones.
        holds: whether a ramp meets the expectations.
        guess_s: about how long it is; a good guess saves calls of ``holds``.
        most_s: the longest that is tried.
    """
    if holds(RampShape(users, 0.0)):
        return RampShape(users, 0.0)
    linear = _shortest_linear(holds, max(guess_s, 1e-3), most_s)
    if linear is None:
        return None
    best = RampShape(0, linear)
    most = _largest_start(users, holds, linear)
    for share in _STARTS:
        best = _improved(best, round(most * share), holds)
    step = max(most // 10, 1)
    while step:
        before = best
        for at_once in (best.at_once + step, best.at_once - step):
            if 0 <= at_once < users:
                best = _improved(best, at_once, holds)
        if best == before:
            step //= 2
    return best


def _shortest_linear(holds: Holds, guess_s: float, most_s: float) -> float | None:
    fails_s, holds_s = 0.0, guess_s
    while not holds(RampShape(0, holds_s)):
        if holds_s >= most_s:
            return None
        fails_s, holds_s = holds_s, min(holds_s * 1.5, most_s)
    holds_s = _shorten(0, fails_s, holds_s, holds)
    for share in _SHORTER:
        if holds(RampShape(0, share * holds_s)):
            return _shorten(0, 0.0, share * holds_s, holds)
    return holds_s


def _largest_start(users: int, holds: Holds, seconds: float) -> int:
    """The most softphones that can start at once, with the others over ``seconds``."""
    works, fails = 0, users
    while fails - works > 1:
        middle = (works + fails) // 2
        if holds(RampShape(middle, seconds)):
            works = middle
        else:
            fails = middle
    return works


def _improved(best: RampShape, at_once: int, holds: Holds) -> RampShape:
    """The shortest ramp with this start, if it is shorter than the best so far."""
    shorter_s = best.seconds * (1 - PRECISION)
    if not holds(RampShape(at_once, shorter_s)):
        return best
    return RampShape(at_once, _shorten(at_once, 0.0, shorter_s, holds))


def _shorten(at_once: int, fails_s: float, holds_s: float, holds: Holds) -> float:
    """Bisect between a time that is too short and one that is not."""
    while fails_s < holds_s * (1 - PRECISION):
        middle_s = (fails_s + holds_s) / 2 if fails_s else holds_s * 0.9
        if holds(RampShape(at_once, middle_s)):
            holds_s = middle_s
        else:
            fails_s = middle_s
        if holds_s < 1e-3:
            break
    return holds_s
