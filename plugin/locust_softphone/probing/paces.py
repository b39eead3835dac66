"""When to send the next request, from the answers so far.

    growing     1, 2, 4, … per second, until one is refused     finds the edge of the limit
    following   slower after refusals, faster after admissions  follows what the limit lets through
    steady      a constant rate                                 measures
    at          given instants                                  a plan

Each is a function that makes a ``Pace``. A burst, of several requests at one instant, ends after ``ENOUGH_REFUSED``
refusals in a row: more of them would show nothing new.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import log

from locust_softphone.limits.inference.observations import Observation
from locust_softphone.probing.probe_target import Pace

__all__ = ["ENOUGH_REFUSED", "at", "following", "growing", "steady"]

ENOUGH_REFUSED = 8
"""After this many refusals in a row, the rest of a burst is not sent."""


def growing(first_rate: float, most_rate: float, most_requests: int, *, doubles_s: float = 1.0) -> Pace:
    """A rate that doubles every ``doubles_s`` seconds, up to ``most_rate``; ends with the first refusal."""
    begin_s: float | None = None
    sent = seen = 0

    def pace(now_s: float, answers: Sequence[Observation]) -> float | None:
        nonlocal begin_s, sent, seen
        begin_s = now_s if begin_s is None else begin_s
        if sent >= most_requests or any(not each.admitted for each in answers[seen:]):
            return None
        seen = len(answers)
        sent += 1
        growth = log(2) / doubles_s
        due_s = log(1 + (sent - 1) * growth / first_rate) / growth  # until then, the integral of the rate is sent - 1
        at_most_s = log(most_rate / first_rate) / growth
        if due_s > at_most_s:
            before = first_rate / growth * (most_rate / first_rate - 1)
            due_s = at_most_s + (sent - 1 - before) / most_rate
        return max(now_s, begin_s + due_s)

    return pace


def steady(rate: float, requests: int, *, until_refused: bool = False) -> Pace:
    """A constant rate, for a number of requests; with ``until_refused``, up to the first refusal."""
    begin_s: float | None = None
    sent = 0

    def pace(now_s: float, answers: Sequence[Observation]) -> float | None:
        nonlocal begin_s, sent
        begin_s = now_s if begin_s is None else begin_s
        if sent >= requests or (until_refused and answers and not answers[-1].admitted):
            return None
        sent += 1
        return begin_s + sent / rate

    return pace


def at(instants: Sequence[float], spacing_s: float = 0.0) -> Pace:
    """Requests at these instants, in seconds from the first call.

    Args:
        instants: in order; several that are equal are a burst.
        spacing_s: between two requests of a burst; answers must come in time for the burst to end early.
    """
    bursts = [(instant, len(list(group))) for instant, group in groupby(instants)]
    begin_s: float | None = None
    number = sent = 0
    burst_s = 0.0

    def pace(now_s: float, answers: Sequence[Observation]) -> float | None:
        nonlocal begin_s, number, sent, burst_s
        begin_s = now_s if begin_s is None else begin_s
        if number < len(bursts) and (sent >= bursts[number][1] or (sent and _is_over(answers, burst_s))):
            number, sent = number + 1, 0
        if number == len(bursts):
            return None
        if not sent:
            burst_s = max(now_s, begin_s + bursts[number][0])
        sent += 1
        return burst_s + (sent - 1) * spacing_s

    return pace


def _is_over(answers: Sequence[Observation], burst_s: float) -> bool:
    """Whether the last answers to a burst that began at ``burst_s`` are all refusals."""
    last = answers[-ENOUGH_REFUSED:]
    return len(last) == ENOUGH_REFUSED and all(not each.admitted and each.sent_s >= burst_s for each in last)


def following(rate: float, most_rate: float, *, admissions: int, most_refused: int, longest_gap_s: float) -> Pace:
    """Follow what the limit lets through: twice as slow after three refusals, faster after three admissions.

    Args:
        rate: requests per second at the beginning.
        most_rate: the highest rate.
        admissions: ends after this many.
        most_refused: ends after this many refusals.
        longest_gap_s: ends when refusals continue at this distance.
    """
    gap_s = 1 / rate
    seen = in_row = 0
    refused_last = False
    sent_s: float | None = None

    def pace(now_s: float, answers: Sequence[Observation]) -> float | None:
        nonlocal gap_s, seen, in_row, refused_last, sent_s
        for each in answers[seen:]:
            in_row = in_row + 1 if refused_last is not each.admitted else 1
            refused_last = not each.admitted
            if in_row >= 3:
                in_row = 0
                gap_s = gap_s * 2 if refused_last else max(gap_s / 1.5, 1 / most_rate)
        seen = len(answers)
        admitted = sum(each.admitted for each in answers)
        if admitted >= admissions or seen - admitted >= most_refused or gap_s > longest_gap_s:
            return None
        sent_s = max(now_s, now_s if sent_s is None else sent_s + gap_s)
        return sent_s

    return pace
