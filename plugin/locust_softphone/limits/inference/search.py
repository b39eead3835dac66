"""Bounds of two parameters that explain the observations: a scale (a rate or a window), and a quota.

For a range of the scale each admission says that the quota is at least something, each refusal that it is at most
something. Where the two contradict each other, no scale in the range explains the observations, and the range is
dropped; else it is halved. What is left in the end are the bounds (set inversion by interval analysis, Jaulin and
Walter 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Generic, NamedTuple, TypeVar

from locust_softphone.limits.inference.observations import Arrival

__all__ = ["Bounds", "Conflict", "Fits", "QuotaRange", "Tightest", "fit_scale"]

COARSE = 0.02  # of the scale: ranges that hold are found with this precision,
PRECISION = 0.002  # and their ends with this
WIDE = 1.1  # ranges with a ratio above this are not halved if their ends and their middle hold
INSIDE = 5  # parts of a range in which the quota is looked at
MOST_ISLANDS = 60

T = TypeVar("T")


class Bounds(NamedTuple):
    """A parameter lies between these."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


class QuotaRange(NamedTuple):
    """The quotas that explain the observations, whatever the scale is within a range of it.

    Args:
        low: the admissions say that it is at least this.
        high: the refusals say that it is at most this.
        crowd: when the first and the last of the admissions came that say so.
        refusal: the request whose refusal says so.
    """

    low: float
    high: float
    crowd: tuple[float, float] = (inf, inf)
    refusal: Arrival | None = None

    @property
    def holds(self) -> bool:
        return self.low <= self.high


@dataclass(frozen=True)
class Conflict:
    """The observations that nothing explains, for the scale that comes nearest to explaining them."""

    quota: QuotaRange


Fits = list[tuple[Bounds, ...]] | Conflict
"""The bounds of all parameters, once for each range of the scale that holds; or why none does."""


class Tightest(Generic[T]):
    """Finds the request that bounds the quota most closely; the one that was found last is looked at first."""

    def __init__(self, requests: Sequence[T]) -> None:
        self._requests = requests
        self._last = 0

    def lowest(self, bound_of: Callable[[T], float], enough: float) -> tuple[float, T | None]:
        """The lowest bound, or the first that is found below ``enough``."""
        best, found = inf, None
        for number in (self._last, *range(len(self._requests))) if self._requests else ():
            bound = bound_of(self._requests[number])
            if bound < best:
                best, found, self._last = bound, self._requests[number], number
                if best < enough:
                    break
        return best, found


def fit_scale(quotas: Callable[[float, float], QuotaRange], low: float, high: float) -> Fits:
    """The bounds within which a scale from ``low`` to ``high`` explains the observations.

    Args:
        quotas: the quotas for a range of the scale; a part of a range must not allow more than the whole.
        low: the least scale, above 0.
        high: the greatest.

    Returns:
        The bounds of the scale and of the quota, once for each range of the scale that holds.
    """
    search = _Search(quotas)
    islands: list[Bounds] = []
    for cell in search.holding(low, high, COARSE):
        if islands and cell.low <= islands[-1].high:
            islands[-1] = Bounds(islands[-1].low, cell.high)
        else:
            islands.append(cell)
    fits: list[tuple[Bounds, ...]] = [
        fit for island in islands[:MOST_ISLANDS] if (fit := search.ends(island)) is not None
    ]
    if fits:
        return fits
    return search.nearest or Conflict(quotas(low, high))


class _Search:
    def __init__(self, quotas: Callable[[float, float], QuotaRange]) -> None:
        self._quotas = quotas
        self.nearest: Conflict | None = None

    def holding(self, low: float, high: float, precision: float, *, upwards: bool = True) -> Iterator[Bounds]:
        """The ranges of the scale that hold, one after the other: narrow ones, and wide ones with ends that hold."""
        found = self._quotas(low, high)
        middle = sqrt(low * high)
        if not found.holds:
            gap = found.low - found.high
            if self.nearest is None or gap < self.nearest.quota.low - self.nearest.quota.high:
                self.nearest = Conflict(found)
        elif high <= low * (1 + precision):
            if found.high < inf:  # or no refusal bears it out
                yield Bounds(low, high)
        elif high > low * WIDE and self._holds_at(low, high, middle):
            yield Bounds(low, high)
        else:
            halves = [(low, middle), (middle, high)]
            for half in halves if upwards else reversed(halves):
                yield from self.holding(*half, precision, upwards=upwards)

    def _holds_at(self, *scales: float) -> bool:
        found = (self._quotas(scale, scale) for scale in scales)
        return all(each.holds and each.high < inf for each in found)

    def ends(self, island: Bounds) -> tuple[Bounds, Bounds] | None:
        """The exact ends of a range that holds, and the quotas in it."""
        least = next(self.holding(*island, PRECISION), None)
        if least is None:
            return None
        most = next(self.holding(least.low, island.high, PRECISION, upwards=False), least)
        step = (most.high / least.low) ** (1 / INSIDE)
        cells = [(least.low * step**number, least.low * step ** (number + 1)) for number in range(INSIDE)]
        found = [each for cell in (least, most, *cells) if (each := self._quotas(*cell)).holds and each.high < inf]
        quota = Bounds(min(each.low for each in found), max(each.high for each in found))
        return Bounds(least.low, most.high), quota
