"""Fits a limit that queues: admitted requests are answered late, one after the other; refusals come at once.

    answers of the queue   │  │  │  │  │      1/rate apart        capacity: how many wait or are worked on at a refusal
    refusals               │                 at once

The shortest delay of an admitted request separates the two kinds: a leaky bucket does not delay the first request;
with limited concurrency every request takes some time. A busy client delays answers as well, but not
one after the other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from locust_softphone.limits.inference.observations import Arrival, Evidence
from locust_softphone.limits.inference.search import Bounds

__all__ = ["QueueFit", "fit_queue", "may_queue"]

FEWEST_DELAYED = 5
LONGEST_TIMES = 1.5  # without a queue, an answer takes at most this many times the shortest round trip
MOST_WORKERS = 32  # that are tried
MOST_EXPLAINED = 2_000  # delays that are compared with those of the queue
MOST_UNEXPLAINED = 0.4  # of the delays


@dataclass(frozen=True)
class QueueFit:
    """The bounds of a queue.

    Args:
        rate: requests served per second.
        capacity: requests that it holds; None if no refusal shows it.
        works: whether every request takes time, also without a queue.
    """

    rate: Bounds
    capacity: Bounds | None
    works: bool


def fit_queue(evidence: Evidence, undelayed_s: float = 0.0) -> QueueFit | None:
    """The queue that explains the answers, or None if they do not come late, one after the other.

    Args:
        evidence: of one limit.
        undelayed_s: how long an answer may take without a queue, at least.
    """
    passed = [each for each in evidence.all if each.admitted]
    undelayed_s = max(undelayed_s, _undelayed_s(evidence))
    if not _are_delayed(sorted(map(_round_trip_s, passed)), undelayed_s):
        return None
    delayed = sorted(each.answered_s for each in passed if _round_trip_s(each) > 2 * undelayed_s)
    begin, end = _longest_busy(delayed, undelayed_s)
    served, lasted_s = end - begin, delayed[end] - delayed[begin]
    if served < FEWEST_DELAYED or lasted_s <= 2 * undelayed_s:
        return None
    together = _answered_together(delayed[begin : end + 1], undelayed_s)
    jitter_s = max(undelayed_s - evidence.shortest_s, 1e-3)
    rate = Bounds((served - together) / (lasted_s + jitter_s), (served + together + 1) / (lasted_s - jitter_s))
    quickest_s = min(map(_round_trip_s, passed))
    works = quickest_s - evidence.shortest_s > max(4 * jitter_s, lasted_s / served / 2)
    first = passed[:MOST_EXPLAINED]
    if works:
        work_s = quickest_s - evidence.shortest_s
        unexplained, workers = min(
            (_unexplained(first, evidence.shortest_s, 0.0, work_s, workers), workers)
            for workers in range(1, MOST_WORKERS + 1)
        )
        if workers < MOST_WORKERS:
            rate = Bounds(workers / (work_s + 2 * jitter_s), workers / max(work_s - 2 * jitter_s, work_s / 2))
    else:
        unexplained = _unexplained(first, evidence.shortest_s, lasted_s / served)
    if unexplained > MOST_UNEXPLAINED:
        return None
    return QueueFit(rate, _capacity(evidence, passed, jitter_s), works)


def may_queue(round_trips_s: Sequence[float], undelayed_s: float) -> bool:
    """Whether a limit that refused nothing can be a queue: a quick test for ``fit_queue``, which decides.

    Args:
        round_trips_s: of all requests, the shortest first.
        undelayed_s: how long an answer may take without a queue, at least.
    """
    return bool(round_trips_s) and _are_delayed(round_trips_s, max(undelayed_s, LONGEST_TIMES * round_trips_s[0]))


def _are_delayed(round_trips_s: Sequence[float], undelayed_s: float) -> bool:
    """Whether enough admitted requests were answered late."""
    delayed = len(round_trips_s) - bisect_right(round_trips_s, 2 * undelayed_s)
    return delayed >= max(FEWEST_DELAYED, len(round_trips_s) / 10)


def _unexplained(
    passed: list[Arrival], shortest_s: float, spacing_s: float, work_s: float = 0.0, workers: int = 1
) -> float:
    """The share of the delays that a queue does not explain.

    In a queue each delay follows from those before it. The delays of a busy client, or of a slow network, do not.

    Args:
        passed: the admitted requests, in order.
        shortest_s: the round trip without delay.
        spacing_s: between two answers of a leaky bucket.
        work_s: on each request, of limited concurrency.
        workers: how many requests are worked on at once.
    """
    free_s = deque([-inf] * workers)  # when each worker is free, in order
    observed_s = wrong_s = 0.0
    for each in passed:
        begins_s = max(each.earliest_s, free_s.popleft() + spacing_s)
        free_s.append(begins_s + work_s)
        delay_s = _round_trip_s(each) - shortest_s
        observed_s += delay_s
        wrong_s += abs(free_s[-1] - each.earliest_s - delay_s)
    return wrong_s / observed_s if observed_s else inf


def _round_trip_s(request: Arrival) -> float:
    return request.answered_s - request.earliest_s


def _undelayed_s(evidence: Evidence) -> float:
    """The round trip of an answer without delay: the 90th percentile of the refusals, else 1.5 times the shortest."""
    refused = sorted(map(_round_trip_s, evidence.every_refusal))
    return refused[len(refused) * 9 // 10] if refused else LONGEST_TIMES * evidence.shortest_s


def _longest_busy(answers: list[float], undelayed_s: float) -> tuple[int, int]:
    """The first and the last answer of the longest sequence without a long pause."""
    spacing_s = sorted(later - earlier for earlier, later in pairwise(answers))[(len(answers) - 1) * 9 // 10 - 1]
    best = stretch = 0, 0
    for number in range(1, len(answers)):
        pause = answers[number] - answers[number - 1] > 3 * spacing_s + undelayed_s
        stretch = (number, number) if pause else (stretch[0], number)
        best = max(best, stretch, key=lambda each: each[1] - each[0])
    return best


def _answered_together(answers: list[float], within_s: float) -> int:
    """The most answers that come at about the same time: the number of workers."""
    most, first = 1, 0
    for number, answer in enumerate(answers):
        while answers[first] < answer - within_s:
            first += 1
        most = max(most, number - first + 1)
    return most


def _capacity(evidence: Evidence, passed: list[Arrival], jitter_s: float) -> Bounds | None:
    """How many requests the queue holds, from those unanswered when another one is admitted or refused."""
    sent = [each.earliest_s for each in passed]
    left = sorted(each.answered_s - evidence.shortest_s for each in passed)  # on the clock of the arrivals

    def surely_inside(request: Arrival) -> int:
        arrived = bisect_right(sent, request.earliest_s - jitter_s)
        return arrived - bisect_right(left, request.earliest_s + 2 * jitter_s)

    def possibly_inside(request: Arrival) -> int:
        return bisect_right(sent, request.latest_s) - bisect_right(left, request.earliest_s - jitter_s)

    most = min(map(possibly_inside, evidence.refusals), default=inf)
    least = max(map(surely_inside, evidence.admissions), default=0) + 1
    return Bounds(max(1, least), most) if least <= most < inf else None
