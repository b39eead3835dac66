"""Where within its bounds a hypothesis explains the observations best: replays many limits, and compares counts.

    difference = sum over intervals of time of | admitted by the replayed limit - admitted in fact |

Bounds are what the observations prove if a request may have arrived at any instant between its sending and its answer.
In a burst many requests are under way at once, so the bounds are wide. But their arrivals were all early, all late or
all in the middle of these times: whichever of the three makes the least difference is used.

The difference also tells hypotheses apart that all are possible: a coincidence explains most decisions, the right kind
explains nearly all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, product
from math import inf
from typing import NamedTuple

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import RARE, SIMPLE, Kind, Method
from locust_softphone.limits.inference.observations import Evidence, Observation
from locust_softphone.limits.inference.replay import decided_differently
from locust_softphone.limits.inference.search import Bounds

__all__ = ["BestFit", "best_fit", "replayed"]

MOST_REPLAYED = 1_000
BINS = 40
POINTS = {1: 9, 2: 5, 3: 4}
"""Points along each side of the bounds, by the number of parameters."""
ROUNDS = 3  # each with closer points around the best one
OPEN = 4.0
WIDE = 3.0  # from this ratio on, points are spaced by a factor


class BestFit(NamedTuple):
    """The limit within the bounds that explains the observations best.

    Args:
        parameters: its parameters by name.
        different: how many decisions it would have made differently.
        rarer: how many requests were admitted, or refused, whichever are fewer.
    """

    parameters: Mapping[str, float]
    different: int
    rarer: int


def best_fit(observations: Sequence[Observation], hypothesis: Hypothesis) -> BestFit | None:
    """The best fit of a hypothesis; None if its kind cannot be replayed, or if a rate may be 0.

    Args:
        observations: those of the diagnosis; the first ``MOST_REPLAYED`` are used.
        hypothesis: one of its hypotheses.
    """
    method = _method_of(hypothesis.kind)
    bounds = [_replayable(hypothesis.bounds[name]) for name in method.parameters] if method else []
    if method is None or method.make is None or any(each.low <= 0 for each in bounds):
        return None
    every = sorted(observations)[:MOST_REPLAYED]
    evidence = Evidence.of(every)
    parts = (1.0, 0.5, 0.0)
    replays = [_Replay(every, part) for part in parts]
    differences = [_search(replay, method, evidence, bounds, rounds=1)[0] for replay in replays]
    best = replays[differences.index(min(differences))]
    difference, point = _search(best, method, evidence, bounds, rounds=ROUNDS)
    admitted = sum(each.admitted for each in every)
    return BestFit(dict(zip(method.parameters, point, strict=True)), difference, min(admitted, len(every) - admitted))


def replayed(arrived: Sequence[Observation], kind: Kind, parameters: Mapping[str, float]) -> list[bool]:
    """What a limit would have decided about these requests, as if each had arrived when it was answered.

    Args:
        arrived: the requests, at least one, by the instant of their answer.
        kind: a kind that can be replayed; any other admits everything.
        parameters: the limit's parameters by name.
    """
    method = _method_of(kind)
    if method is None or method.make is None:
        return [True] * len(arrived)
    limit = method.make(Evidence.of(arrived), *(parameters[name] for name in method.parameters))
    return [limit.admit(each.answered_s).admitted for each in arrived]


def _replayable(bounds: Bounds) -> Bounds:
    """The same bounds; a window without an upper one is replayed up to ``OPEN`` times its lower one."""
    return bounds if bounds.high < inf else Bounds(bounds.low, OPEN * bounds.low)


def _method_of(kind: Kind) -> Method | None:
    return next((each for each in (*SIMPLE, *RARE) if each.kind is kind), None)


class _Replay:
    """The observations as if each had arrived at this part of the time between its sending and its answer."""

    def __init__(self, every: Sequence[Observation], part: float) -> None:
        arrived = sorted((each.sent_s + part * each.took_s, each.admitted) for each in every)
        bin_s = max(arrived[-1][0] - arrived[0][0], 1e-6) / BINS
        self._bins = [
            ([instant for instant, _ in group], sum(admitted for _, admitted in group))
            for group in (list(group) for _, group in groupby(arrived, lambda each: int(each[0] / bin_s)))
        ]

    def difference(self, limit: Limit, most: int) -> int:
        """How many decisions of this limit differ, counted until there are more than ``most``."""
        return decided_differently(self._bins, limit, most)


def _search(
    replay: _Replay, method: Method, evidence: Evidence, bounds: Sequence[Bounds], rounds: int
) -> tuple[int, tuple[float, ...]]:
    """The least difference within the bounds, and where: the middle of all points that are about as good."""
    assert method.make is not None
    found: dict[tuple[float, ...], int] = {}
    sides, least, center = list(bounds), MOST_REPLAYED, tuple(each.low for each in bounds)
    for _ in range(rounds):
        for point in product(*(_points(side, POINTS[len(sides)]) for side in sides)):
            if point not in found:
                found[point] = replay.difference(method.make(evidence, *point), least + _slack(least))
                least = min(least, found[point])
        about_as_good = least + _slack(least)
        center = _middle([point for point, difference in found.items() if difference <= about_as_good])
        sides = [_around(value, side, within) for value, side, within in zip(center, sides, bounds, strict=True)]
    return least, center


def _slack(difference: int) -> int:
    """By how much a difference can be greater by chance."""
    return 2 + difference // 10


def _points(side: Bounds, count: int) -> list[float]:
    if side.low > 0 and side.high > WIDE * side.low:
        return [side.low * (side.high / side.low) ** (number / (count - 1)) for number in range(count)]
    return [side.low + (side.high - side.low) * number / (count - 1) for number in range(count)]


def _middle(points: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(sum(values) / len(points) for values in zip(*points, strict=True))


def _around(value: float, side: Bounds, within: Bounds) -> Bounds:
    """A side of half the length around a value."""
    quarter = (side.high - side.low) / 4
    return Bounds(max(within.low, value - quarter), min(within.high, value + quarter))
