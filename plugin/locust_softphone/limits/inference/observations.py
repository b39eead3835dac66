"""What a client observes of its requests, and what this shows about their arrival at the limit.

All requests share the shortest round trip; it shifts all arrivals by the same time and can be ignored. On a clock
shifted by the shortest one-way delay, a request arrived between

    earliest_s = sent_s   and   latest_s = sent_s + (its round trip - the shortest round trip)

So the number of arrivals by an instant lies between two step curves, and the number in a window between two counts:

    possibly arrived  ┌──────┘    by earliest_s     in [x, y]: surely    latest by y, less those earliest before x
       surely arrived │   ┌──┘    by latest_s                  possibly  earliest by y, less those latest before x
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from math import sqrt
from typing import NamedTuple, Self, TypeVar

__all__ = ["Arrival", "ArrivalCurve", "Evidence", "Observation", "most_foreign", "thinned"]

MOST_POINTS = 400
"""How many requests are checked one by one. Counts between them always include all requests."""

LATE_TIMES = 5
"""A refusal is late if it takes this many times longer than nearly all admissions."""

T = TypeVar("T")


class Observation(NamedTuple):
    """One request, as its client saw it.

    Args:
        sent_s: when it was sent, on any clock.
        answered_s: when its answer arrived, on the same clock.
        admitted: whether the limit admitted it.
        open: how many sessions the client knew to be open when it sent the request.
        key: what the limit may count it by: a token, a user, an address.
    """

    sent_s: float
    answered_s: float
    admitted: bool
    open: int = 0
    key: str = ""

    @property
    def took_s(self) -> float:
        """The time from the request to its answer."""
        return self.answered_s - self.sent_s


class Arrival(NamedTuple):
    """When a request reached the limit, at the earliest and at the latest, and what was decided."""

    earliest_s: float
    latest_s: float
    admitted: bool
    open: int
    answered_s: float


class ArrivalCurve:
    """How many requests have reached the limit at any instant, as a lower and an upper bound."""

    def __init__(self, arrivals: Iterable[Arrival]) -> None:
        arrivals = list(arrivals)
        self.earliest = sorted(each.earliest_s for each in arrivals)
        self.latest = sorted(each.latest_s for each in arrivals)

    def surely_by(self, instant: float) -> int:
        """The least number of arrivals up to an instant."""
        return bisect_right(self.latest, instant)

    def possibly_by(self, instant: float) -> int:
        """The greatest number of arrivals up to an instant."""
        return bisect_right(self.earliest, instant)

    def surely_before(self, instant: float) -> int:
        """The least number of arrivals before an instant."""
        return bisect_left(self.latest, instant)

    def possibly_before(self, instant: float) -> int:
        """The greatest number of arrivals before an instant."""
        return bisect_left(self.earliest, instant)

    def surely_in(self, begin: float, end: float) -> int:
        """The least number of arrivals from ``begin`` to ``end``."""
        return max(0, self.surely_by(end) - self.possibly_before(begin))

    def possibly_in(self, begin: float, end: float) -> int:
        """The greatest number of arrivals from ``begin`` to ``end``."""
        return self.possibly_by(end) - self.surely_before(begin)


class Evidence:
    """All observations of one limit, sorted, with the derived values that several fits need."""

    def __init__(self, arrivals: Iterable[Arrival], shortest_s: float = 0.0) -> None:
        self.all = sorted(arrivals)
        passed = [each for each in self.all if each.admitted]
        self.every_refusal = [each for each in self.all if not each.admitted]
        self.admitted = ArrivalCurve(passed)
        self.everything = ArrivalCurve(self.all)
        self.reopenings = self._reopenings()
        self.refusals = self._informative_refusals()
        self.admissions = thinned(passed, MOST_POINTS)
        self.last_admissions = self._last_admissions(passed)
        self.shortest_s = shortest_s
        self.begin_s = self.all[0].earliest_s
        self.span_s = max(self.everything.latest[-1] - self.begin_s, 1e-6)
        uncertain_s = sorted(each.latest_s - each.earliest_s for each in self.all)
        self.jitter_s = uncertain_s[len(uncertain_s) * 9 // 10]

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Self:
        """The evidence of these observations; there must be at least one."""
        every = list(observations)
        delays_s = sorted(each.took_s for each in every)
        shortest_s = delays_s[0]
        several = min(len(delays_s) - 1, 1 + min(2, len(delays_s) // 10) + len(delays_s) // 100)
        allowance_s = delays_s[several] - shortest_s  # the shortest has jitter too
        late_s = _refused_late_s(every)

        def latest_s(each: Observation) -> float:
            known_s = shortest_s if each.admitted else shortest_s + late_s
            return min(each.answered_s - known_s + allowance_s, each.answered_s)

        return cls(
            (Arrival(each.sent_s, latest_s(each), each.admitted, each.open, each.answered_s) for each in every),
            shortest_s,
        )

    @cached_property
    def probably(self) -> list[tuple[float, bool]]:
        """When each request probably arrived, in order, and whether it was admitted."""
        return sorted(((each.earliest_s + each.latest_s) / 2, each.admitted) for each in self.all)

    @property
    def sharpest_reopening(self) -> tuple[float, float]:
        """When the limit began to admit again, the time when this is known best; all times if it never did."""
        if not self.reopenings:
            return self.begin_s, self.begin_s + self.span_s
        times = ((refused.earliest_s, admitted.latest_s) for refused, admitted in self.reopenings)
        return min(times, key=lambda each: each[1] - each[0])

    def with_refusals(self, refusals: Iterable[Arrival]) -> Self:
        """The same evidence, with only these refusals."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.refusals = list(refusals)
        return other

    def _reopenings(self) -> list[tuple[Arrival, Arrival]]:
        """A refusal and the next admission, for each time that the limit surely began to admit again."""
        refused = iter(self.every_refusal)
        next_refused = next(refused, None)
        found: list[tuple[Arrival, Arrival]] = []
        latest: Arrival | None = None
        for each in self.all:
            while next_refused is not None and next_refused.earliest_s < each.earliest_s:
                if next_refused.latest_s <= each.earliest_s:
                    latest = next_refused
                next_refused = next(refused, None)
            if each.admitted and latest is not None:
                found.append((latest, each))
                latest = None
        return found

    def _last_admissions(self, passed: Sequence[Arrival]) -> list[Arrival]:
        """Some of the admissions; more of those next to a refusal, when the limit is nearly used up."""
        next_to = [
            each
            for pair in pairwise(self.all)
            if pair[0].admitted is not pair[1].admitted
            for each in pair
            if each.admitted
        ]
        return sorted({*thinned(next_to, MOST_POINTS // 8), *thinned(passed, MOST_POINTS // 16)})

    def _informative_refusals(self) -> list[Arrival]:
        """Some of the refusals. Those next to an admission give the closest bounds, so more of them are kept."""
        before = [refused for refused, _ in self.reopenings]
        after = [later for earlier, later in pairwise(self.all) if earlier.admitted and not later.admitted]
        return sorted(
            {
                *thinned(before, MOST_POINTS // 2),
                *thinned(after, MOST_POINTS // 4),
                *thinned(self.every_refusal, MOST_POINTS // 4),
            }
        )


def _refused_late_s(observations: Sequence[Observation]) -> float:
    """By how much longer every refusal took than an admission; 0 unless that is far more than the network explains.

    An edge that lets a request wait for seconds, and then refuses it, had no room for it when it arrived either.
    """
    refused_s, admitted_s = (
        sorted(each.took_s for each in observations if each.admitted is admitted) for admitted in (False, True)
    )
    if not refused_s or not admitted_s:
        return 0.0
    late_s = refused_s[0] - admitted_s[0]
    return late_s if late_s > LATE_TIMES * admitted_s[len(admitted_s) * 9 // 10] else 0.0


def thinned(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of the items, evenly spaced, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def most_foreign(share: float, expected: float) -> float:
    """The most requests of other clients among ``expected`` admissions.

    This is their share plus three standard deviations of a Poisson process.
    """
    return share * expected + 3 * sqrt(share * expected)
