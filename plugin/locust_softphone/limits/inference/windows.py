"""Where windows begin and end, for a range of window lengths.

    from_first           each begins with the first request after the previous one
    aligned              boundaries at equal distances; a reopening of the limit shows one
    one_after_another    each begins where the previous one ended; after a pause, with a request

The uncertainty grows from window to window, so only the first ones are computed: later ones give no closer bounds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from locust_softphone.limits.inference.observations import Evidence

__all__ = ["Window", "Windows", "aligned", "from_first", "one_after_another"]

MOST = 24
MOST_ROWS = 6


class Window(NamedTuple):
    """A window of time.

    Args:
        begin_low: its earliest possible begin.
        begin_high: its latest possible begin.
        end_low: its earliest possible end.
        end_high: its latest possible end.
        surely_from: requests that arrive from here until ``end_low`` are in the window for sure.
        follows: whether it begins where the window before it ended.
    """

    begin_low: float
    begin_high: float
    end_low: float
    end_high: float
    surely_from: float
    follows: bool


Windows = Callable[[float, float], list[Window]]
"""Makes the windows for a shortest and a longest length."""


def from_first(evidence: Evidence) -> Windows:
    """Windows that each begin with the first request after the previous one."""
    sent, answered = evidence.everything.earliest, evidence.everything.latest

    def windows(shortest_s: float, longest_s: float) -> list[Window]:
        low, high = sent[0], answered[0]
        found = [Window(low, high, low + shortest_s, high + longest_s, low, False)]
        while len(found) < MOST:
            last = found[-1]
            first = bisect_left(answered, last.end_low)
            if first == len(answered):
                break
            low = max(last.end_low, sent[first] if first < len(sent) else last.end_low)
            surely = bisect_left(sent, last.end_high)
            high = answered[surely] if surely < len(sent) else max(answered[-1], last.end_high)
            surely_from = low if surely == first else high  # it begins with one of the requests that are left
            found.append(Window(low, high, low + shortest_s, high + longest_s, surely_from, True))
        return found

    return windows


def aligned(evidence: Evidence) -> Windows:
    """Windows with boundaries at equal distances from one reopening."""
    end_s = evidence.begin_s + evidence.span_s
    low, high = evidence.sharpest_reopening

    def windows(shortest_s: float, longest_s: float) -> list[Window]:
        before = min(MOST, ceil((high - evidence.begin_s) / shortest_s) + 1)
        after = min(MOST, ceil((end_s - low) / shortest_s))
        edges = [(low - number * longest_s, high - number * shortest_s) for number in range(before, 0, -1)]
        edges += [(low + number * shortest_s, high + number * longest_s) for number in range(after + 1)]
        return [Window(*begin, *end, surely_from=begin[1], follows=True) for begin, end in pairwise(edges)]

    return windows


def one_after_another(evidence: Evidence) -> Callable[[float, float], list[list[Window]]]:
    """Sequences of windows; after a pause of a whole window, the next one begins with a request.

    If the window length decides whether there was such a pause, both sequences are returned.
    """
    everything = evidence.everything

    def rows(shortest_s: float, longest_s: float) -> list[list[Window]]:
        low, high = everything.earliest[0], everything.latest[0]
        unfinished = [[Window(low, high, low + shortest_s, high + longest_s, low, False)]]
        finished: list[list[Window]] = []
        while unfinished:
            row = unfinished.pop()
            low, high = row[-1].end_low, row[-1].end_high
            if len(row) >= MOST or low >= everything.latest[-1]:
                finished.append(row)
                continue
            busy = everything.possibly_in(low, high + longest_s) > 0
            quiet = everything.surely_in(high, low + shortest_s) == 0
            if busy and quiet and len(unfinished) + len(finished) >= MOST_ROWS:
                return [*finished, *unfinished, row]
            if busy:
                unfinished.append([*row, Window(low, high, low + shortest_s, high + longest_s, high, True)])
            first = bisect_left(everything.latest, low + shortest_s)
            if quiet and first < len(everything.latest):
                begin = max(low + shortest_s, everything.earliest[first])
                surely = bisect_left(everything.earliest, high)
                end = everything.latest[min(surely, len(everything.latest) - 1)]
                surely_from = begin if surely == first else end
                unfinished.append([*row, Window(begin, end, begin + shortest_s, end + longest_s, surely_from, False)])
            elif not busy:
                finished.append(row)
        return finished

    return rows
