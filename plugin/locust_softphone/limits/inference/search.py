"""Bounds of two parameters that explain the observations: a scale (a rate or a window), and a quota.

For a range of the scale, each admission gives a lower bound of the quota, and each refusal an upper bound. If they
contradict each other, no scale in the range explains the observations, and the range is dropped. Otherwise it is
halved. What remains are the bounds (set inversion by interval analysis, Jaulin and Walter 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf, log, sqrt
from typing import Generic, NamedTuple, Self, TypeVar

from locust_softphone.limits.inference.observations import Arrival

__all__ = ["Bounds", "Conflict", "Fits", "QuotaRange", "Region", "Tightest", "fit_scale"]

COARSE = 0.02  # relative precision with which ranges that hold are found
PRECISION = 0.002  # relative precision of their ends
WIDE = 1.1  # a range with a greater ratio is accepted whole if its ends and its middle hold
PARTS = 5  # of a range, for which the quota is computed
MOST_RANGES = 60
POINTS_APART = 1.02  # ratio of the scales of two neighbouring points in a region
MOST_POINTS = 40

T = TypeVar("T")


class Bounds(NamedTuple):
    """The least and the greatest value of a parameter."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    @classmethod
    def around(cls, several: Collection[Bounds] | Collection[QuotaRange]) -> Bounds:
        """The bounds that contain each of these; there must be at least one."""
        return cls(min(each.low for each in several), max(each.high for each in several))


class QuotaRange(NamedTuple):
    """The quotas that explain the observations for a range of the scale; none if ``low`` is above ``high``.

    Args:
        low: the lower bound from the admissions.
        high: the upper bound from the refusals.
        admitted_within: the instants of the first and the last of the admissions that give the lower bound.
        refusal: the refused request that gives the upper bound.
    """

    low: float
    high: float
    admitted_within: tuple[float, float] = (inf, inf)
    refusal: Arrival | None = None

    @property
    def holds(self) -> bool:
        """Whether any quota explains the observations."""
        return self.low <= self.high


@dataclass(frozen=True)
class Conflict:
    """No scale explains the observations; the contradiction at the scale that comes closest."""

    quota: QuotaRange


class Region(tuple[Bounds, ...]):
    """The bounds of all parameters, for one range of the scale that holds.

    Attributes:
        points: parameters within the bounds, all along the range. The bounds are a box, and most of a box does not
            explain the observations.
    """

    points: tuple[tuple[float, ...], ...]

    def __new__(cls, bounds: Iterable[Bounds], points: Iterable[tuple[float, ...]]) -> Self:
        region = super().__new__(cls, bounds)
        region.points = tuple(points)
        return region

    def preceded_by(self, parameter: Bounds) -> Region:
        """The same region with another parameter before the others."""
        middle = (parameter.low + parameter.high) / 2
        return Region((parameter, *self), ((middle, *point) for point in self.points))


Fits = list[Region] | Conflict
"""A region for each range of the scale that holds; or why none does."""


class Tightest(Generic[T]):
    """Finds the request that gives the closest bound of the quota; starts with the one found last, to stop early."""

    def __init__(self, requests: Sequence[T]) -> None:
        self._requests = requests
        self._last = 0

    def lowest(self, bound_of: Callable[[T], float], enough: float) -> tuple[float, T | None]:
        """The lowest bound, or the first one below ``enough``, and its request."""
        best, found = inf, None
        for number in (self._last, *range(len(self._requests))) if self._requests else ():
            bound = bound_of(self._requests[number])
            if bound < best:
                best, found, self._last = bound, self._requests[number], number
                if best < enough:
                    break
        return best, found


def fit_scale(quotas: Callable[[float, float], QuotaRange], low: float, high: float) -> Fits:
    """Find the scales between ``low`` and ``high`` that explain the observations.

    Args:
        quotas: gives the quotas for a range of the scale; must not allow more for a part of a range than for the whole.
        low: the least scale; above 0.
        high: the greatest scale.

    Returns:
        A region of the scale and the quota, for each range of the scale that holds.
    """
    search = _Search(quotas)
    ranges: list[Bounds] = []
    for cell in search.holding(low, high, COARSE):
        if ranges and cell.low <= ranges[-1].high:
            ranges[-1] = Bounds(ranges[-1].low, cell.high)
        else:
            ranges.append(cell)
    fits = [fit for scale_range in ranges[:MOST_RANGES] if (fit := search.ends(scale_range)) is not None]
    if fits:
        return fits
    return search.nearest or Conflict(quotas(low, high))


class _Search:
    def __init__(self, quotas: Callable[[float, float], QuotaRange]) -> None:
        self._quotas = quotas
        self.nearest: Conflict | None = None

    def holding(self, low: float, high: float, precision: float, *, upwards: bool = True) -> Iterator[Bounds]:
        """The ranges of the scale that hold, in order: narrow ones, and wide ones whose ends and middle hold."""
        found = self._quotas(low, high)
        middle = sqrt(low * high)
        if not found.holds:
            gap = found.low - found.high
            if self.nearest is None or gap < self.nearest.quota.low - self.nearest.quota.high:
                self.nearest = Conflict(found)
        elif high <= low * (1 + precision):
            if found.high < inf:  # without an upper bound no refusal supports it
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

    def ends(self, scale_range: Bounds) -> Region | None:
        """The precise ends of a range that holds, and the quotas in it."""
        least = next(self.holding(*scale_range, PRECISION), None)
        if least is None:
            return None
        most = next(self.holding(least.low, scale_range.high, PRECISION, upwards=False), least)
        step = (most.high / least.low) ** (1 / PARTS)
        cells = [(least.low * step**number, least.low * step ** (number + 1)) for number in range(PARTS)]
        found = [each for cell in (least, most, *cells) for each in self._bounded(*cell)]
        quota = Bounds.around(found)
        scale = Bounds(least.low, most.high)
        return Region((scale, quota), self._points(scale, quota))

    def _bounded(self, low: float, high: float) -> list[QuotaRange]:
        """The quotas of a range; those of its ends and its middle, if the range is too wide to bound the quota."""
        whole = self._quotas(low, high)
        if whole.holds and whole.high < inf:
            return [whole]
        parts = (self._quotas(scale, scale) for scale in (low, sqrt(low * high), high))
        return [each for each in parts if each.holds and each.high < inf]

    def _points(self, scale: Bounds, quota: Bounds) -> Iterator[tuple[float, float]]:
        """Scales at small distances, each with its quotas: the middle, and the ends of a wide range."""
        parts = min(MOST_POINTS, max(2, 2 * ceil(log(scale.high / scale.low) / log(POINTS_APART) / 2)))
        for number in sorted(range(parts + 1), key=lambda number: abs(number - parts / 2)):
            at = scale.low * (scale.high / scale.low) ** (number / parts)
            found = self._quotas(at, at)
            if found.high == inf:
                continue
            low, high = max(found.low, quota.low), min(found.high, quota.high)
            yield at, min(max((low + high) / 2, quota.low), quota.high)
            if high > low * POINTS_APART:
                yield from ((at, low), (at, high))
