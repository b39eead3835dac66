"""Fits limits that count in windows of time: the length W of the window is the scale, Q the quota.

sliding log       n admitted within less than W          ►  n ≤ Q
                  refused, n admitted in the W before    ►  n ≥ Q
fixed window      the same for each window alone (windows.py says where they begin)
sliding counter   measured = last * (1 - elapsed / W) + this; admitted below Q, refused otherwise
measured rate     the same, but refused requests count too
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from math import ceil, floor, inf, sqrt

from locust_softphone.limits.inference.observations import Arrival, ArrivalCurve, Evidence, thinned
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, QuotaRange, Region, Tightest, fit_scale
from locust_softphone.limits.inference.windows import Window, Windows, aligned, from_first, one_after_another

__all__ = ["fit_aligned_window", "fit_first_window", "fit_measured_rate", "fit_sliding_counter", "fit_sliding_log"]

MOST_WINDOWS = 200  # in the observed time
GAPS = 2  # a window must be this many times as long as the uncertainty of its boundary
JITTERS = 4  # a window must be this many times as long as the jitter
SHORTEST_S = 0.2  # products count in seconds or more; shorter windows only explain bursts by chance
MOST_BEGINS = 400  # checked windows of a sliding log
MOST_DECISIONS = 80  # checked for a sliding counter


def fit_sliding_log(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The window and the quota of a sliding log."""
    curve = evidence.admitted
    begins = Tightest([(begin, curve.possibly_before(begin)) for begin in thinned(curve.earliest, MOST_BEGINS)])
    refusals = Tightest([(each, curve.possibly_by(each.latest_s)) for each in evidence.refusals])

    def quotas(shortest_s: float, longest_s: float) -> QuotaRange:
        just_shorter_s = shortest_s * (1 - 1e-9)
        latest, surely_before = curve.latest, curve.surely_before

        def negative_count(begin: tuple[float, int]) -> int:
            return min(0, begin[1] - bisect_right(latest, begin[0] + just_shorter_s))

        def most_of(refusal: tuple[Arrival, int]) -> float:
            count = refusal[1] - surely_before(refusal[0].earliest_s - longest_s)
            return _with_foreign(count, foreign_share)

        negative, fullest = begins.lowest(negative_count, -inf)
        least = max(1.0, -negative)
        most, refusal = refusals.lowest(most_of, least)
        begin = fullest[0] if fullest else 0.0
        return QuotaRange(least, most, (begin, begin + shortest_s), refusal[0] if refusal else None)

    return _fit(quotas, *_window_range(evidence))


def fit_first_window(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """Fixed windows, each begun by the first request after the previous one."""
    return _fit_windows(evidence, foreign_share, from_first(evidence))


def fit_aligned_window(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """Fixed windows with boundaries at equal distances. A reopening shows one boundary.

    A window shorter than the time in which this reopening lies is not tried. So if the shortest one that is tried
    explains the observations, nothing is known about shorter ones.
    """
    low, high = evidence.sharpest_reopening
    gap_s = high - low if evidence.reopenings else 0.0
    shortest_s, _ = _window_range(evidence)
    fits = _fit_windows(evidence, foreign_share, aligned(evidence), GAPS * gap_s)
    if isinstance(fits, Conflict) or GAPS * gap_s <= shortest_s:
        return fits
    return [
        Region((Bounds(shortest_s, window_s.high), Bounds(1.0, quota.high)), region.points)
        if window_s.low == GAPS * gap_s
        else region
        for region in fits
        for window_s, quota in [region]
    ]


def fit_sliding_counter(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """A sliding counter whose first window begins with the first request."""
    return _fit_counter(evidence, evidence.admitted, foreign_share, own=0)


def fit_measured_rate(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """A sliding counter that counts refused requests too."""
    return _fit_counter(evidence, evidence.everything, foreign_share, own=1)


def _window_range(evidence: Evidence) -> tuple[float, float]:
    low = max(evidence.span_s / MOST_WINDOWS, JITTERS * evidence.jitter_s, SHORTEST_S)
    return low, max(4 * evidence.span_s, 2 * low)


def _fit(quotas: Callable[[float, float], QuotaRange], low: float, high: float) -> Fits:
    """The same as ``fit_scale``; a window as long as ``high``, of which only a part was seen, may be longer."""
    fits = fit_scale(quotas, low, high)
    if isinstance(fits, Conflict):
        return fits
    return [
        Region((Bounds(window_s.low, inf) if window_s.high == high else window_s, quota), region.points)
        for region in fits
        for window_s, quota in [region]
    ]


def _with_foreign(quota: float, share: float) -> float:
    """The greatest Q that is at most ``quota`` plus the foreign requests: share * Q and three standard deviations."""
    if not share or quota == inf:
        return quota
    root = (3 * sqrt(share) + sqrt(9 * share + 4 * (1 - share) * quota)) / (2 * (1 - share))
    return root * root


def _fullest(curve: ArrivalCurve, windows: list[Window]) -> tuple[float, tuple[float, float]]:
    """The lower bound of the quota from the fullest window, or the fullest two in a row, and their instants."""
    before = [curve.possibly_before(window.surely_from) for window in windows]
    by_end = [curve.surely_by(window.end_low) for window in windows]
    least, admitted_within = 1.0, (inf, inf)
    for first in range(len(windows)):
        for last in range(first, min(first + 2, len(windows))):
            count = ceil((by_end[last] - before[first]) / (last - first + 1))
            if count > least:
                least, admitted_within = count, (windows[first].surely_from, windows[last].end_low)
    return least, admitted_within


def _fit_windows(evidence: Evidence, foreign_share: float, windows_of: Windows, shortest_of_all_s: float = 0.0) -> Fits:
    curve, refusals = evidence.admitted, Tightest(evidence.refusals)

    def quotas(shortest_s: float, longest_s: float) -> QuotaRange:
        windows = windows_of(shortest_s, longest_s)
        begins = [window.begin_low for window in windows]
        ends = [window.end_high for window in windows]
        horizon_s = windows[-1].end_low

        def most_of(refusal: Arrival) -> float:
            if refusal.latest_s > horizon_s or (windows[0].follows and refusal.earliest_s < windows[0].begin_high):
                return inf  # it may belong to a window that was not computed
            found = [
                curve.possibly_in(begins[number], min(refusal.latest_s, ends[number]))
                for number in range(bisect_left(ends, refusal.earliest_s), bisect_right(begins, refusal.latest_s))
            ]
            return _with_foreign(max(found, default=0), foreign_share)

        least, admitted_within = _fullest(curve, windows)
        most, refusal = refusals.lowest(most_of, least)
        return QuotaRange(least, most, admitted_within, refusal)

    low, high = _window_range(evidence)
    return _fit(quotas, min(high, max(low, shortest_of_all_s)), high)


def _fit_counter(evidence: Evidence, counted: ArrivalCurve, foreign_share: float, own: int) -> Fits:
    rows_of = one_after_another(evidence)
    admissions = Tightest([(each, counted.surely_by(each.earliest_s)) for each in evidence.last_admissions])
    some_refusals = thinned(evidence.refusals, MOST_DECISIONS)
    refusals = Tightest([(each, counted.possibly_by(each.latest_s) - own) for each in some_refusals])

    def quotas(shortest_s: float, longest_s: float) -> QuotaRange:
        found = [in_row(row, shortest_s, longest_s) for row in rows_of(shortest_s, longest_s)]
        holding = [each for each in found if each.holds]
        if not holding:
            return max(found, key=lambda each: each.high - each.low)
        lowest, highest = min(holding, key=lambda each: each.low), max(holding, key=lambda each: each.high)
        return lowest._replace(high=highest.high, refusal=highest.refusal)  # any of the rows may be the true one

    def in_row(windows: list[Window], shortest_s: float, longest_s: float) -> QuotaRange:
        measure = _Measure(counted, windows, shortest_s, longest_s)
        least, admitted_within = _fullest(evidence.admitted, windows)
        most, refused = refusals.lowest(lambda each: _with_foreign(measure.most(*each), foreign_share), least)
        refusal = refused[0] if refused else None
        if most < least:
            return QuotaRange(least, most, admitted_within, refusal)
        negative, admission = admissions.lowest(lambda each: -1.0 - floor(measure.least(*each)), -most)
        if admission is not None and -negative > least:
            least, admitted_within = -negative, (admission[0].earliest_s, admission[0].latest_s)
        return QuotaRange(least, most, admitted_within, refusal)

    return _fit(quotas, *_window_range(evidence))


class _Measure:
    """What the two counters measure at a request, for a range of the window length.

    How many requests arrived before a window, and how many by a request, is looked up once for each of them.
    """

    def __init__(self, counted: ArrivalCurve, windows: list[Window], shortest_s: float, longest_s: float) -> None:
        self._windows = windows
        self._shortest_s = shortest_s
        self._longest_s = longest_s
        self._begins = [window.begin_low for window in windows]
        self._ends = [window.end_high for window in windows]
        self._possibly_before = [counted.possibly_before(window.surely_from) for window in windows]
        self._surely_before = [counted.surely_before(window.begin_low) for window in windows]
        surely_by_end = [counted.surely_by(window.end_low) for window in windows]
        possibly_by_end = [counted.possibly_by(window.end_high) for window in windows]
        self._surely = [max(0, end - begin) for begin, end in zip(self._possibly_before, surely_by_end, strict=True)]
        self._possibly = [end - begin for begin, end in zip(self._surely_before, possibly_by_end, strict=True)]

    def least(self, request: Arrival, surely_by: int) -> float:
        """The least measured number at this request, by which so many requests have arrived for sure."""
        found = inf
        for number in self._touched(request):
            window = self._windows[number]
            last = self._surely[number - 1] if window.follows else 0
            left = 1 - (request.latest_s - window.begin_low) / self._shortest_s if last else 0.0
            this = surely_by - self._possibly_before[number]
            found = min(found, last * max(0.0, left) + max(0, this))
        return found if found < inf else 0.0

    def most(self, request: Arrival, possibly_by: int) -> float:
        """The greatest measured number at this request, by which so many other requests may have arrived."""
        found = -inf
        for number in self._touched(request):
            window = self._windows[number]
            last = self._possibly[number - 1] if window.follows else 0
            left = min(1.0, 1 - (request.earliest_s - window.begin_high) / self._longest_s) if last else 0.0
            found = max(found, last * max(0.0, left) + (possibly_by - self._surely_before[number]))
        return found if found > -inf else inf

    def _touched(self, request: Arrival) -> range:
        """The windows in which the request may have arrived; none if it may have arrived after the last one."""
        if request.latest_s > self._windows[-1].end_low:
            return range(0)
        return range(bisect_left(self._ends, request.earliest_s), bisect_right(self._begins, request.latest_s))
