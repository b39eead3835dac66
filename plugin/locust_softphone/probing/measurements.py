"""What to send to a limit whose kind is known, to find its size: requests that its bounds depend on.

token bucket     a little more than its rate; then, after a rest, a burst
window           a burst, and polls about the time when the window ends
lumps            more than the rate, for twelve fills
penalty          a burst, and polls about the end of the penalty; then more than the rate, up to the first refusal
queue            a little more than its rate
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import most_foreign
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.probing import paces
from locust_softphone.probing.models import plan_size
from locust_softphone.probing.plans import burst_spacing_s
from locust_softphone.probing.probe_target import Pace

__all__ = ["Measurement", "measurement"]

PRECISE = 0.03  # relative width of the bounds that is narrow enough
MOST_MEASURED = 3  # times that the same measurement is repeated
MOST_REQUESTS = 600  # of the first one
MOST_TIMES = 4  # a window without an upper bound is looked for up to this many times its lower bound
LEAST_FASTER, MOST_FASTER = 1.08, 1.3  # times the rate of a bucket or queue: so many requests keep it empty, or full
PENALTIES = (Kind.PENALTY, Kind.RENEWED_PENALTY)


class Measurement(NamedTuple):
    """Requests that narrow the bounds.

    Args:
        what: is measured, in words.
        rest_s: seconds without a request before it.
        pace: when to send.
    """

    what: str
    rest_s: float
    pace: Pace


def measurement(only: Hypothesis, times: int, round_trip_s: float) -> Measurement | None:
    """The next measurement; None if the bounds are narrow, or if more of the same would not help.

    Args:
        only: the only hypothesis that is left.
        times: how many measurements there were.
        round_trip_s: of a request.
    """
    wide = {name for name, each in only.bounds.items() if _is_wide(name, each, only.foreign_share)}
    if not wide:
        return None
    if only.kind is Kind.TOKEN_BUCKET and "rate" not in wide:
        return _burst_of_a_bucket(only, round_trip_s)
    if times >= MOST_MEASURED:
        return None
    if only.kind is Kind.TOKEN_BUCKET:
        return _rate_of_a_bucket(only, times)
    if only.kind is Kind.LUMPS:
        return _fills(only)
    if only.kind in (Kind.LEAKY_QUEUE, Kind.WORK_QUEUE):
        return _queue(only, times) if "rate" in wide else None
    if only.kind in PENALTIES and "penalty_s" not in wide:
        return _rate_in_a_penalty(only)
    if wide & {"window_s", "quota", "penalty_s"}:
        return _period(only, round_trip_s)
    return None


def _burst_of_a_bucket(only: Hypothesis, round_trip_s: float) -> Measurement:
    rate, burst = _middle(only.bounds["rate"]), _middle(only.bounds["burst"])
    rest_s = 1.1 * burst / rate
    requests = [0.0] * round(1.05 * burst + 4)
    return Measurement("the burst", rest_s, paces.at(requests, burst_spacing_s(requests, round_trip_s, rest_s)))


def _rate_of_a_bucket(only: Hypothesis, times: int) -> Measurement:
    """A little more than the highest rate that it may have: the bucket stays empty, and few are refused."""
    rate = _middle(only.bounds["rate"])
    faster = min(MOST_FASTER * rate, LEAST_FASTER * only.bounds["rate"].high)
    return Measurement("the rate", 0.0, paces.steady(faster, _number(60.0, 2.5 * rate, times)))


def _rate_in_a_penalty(only: Hypothesis) -> Measurement:
    """More than the rate, until the burst is used up: the slower, the closer the bounds."""
    burst, window_s = plan_size(only)
    more = min(1.0, max(0.1, burst / 100))  # the bounds are about more / burst wide
    rest_s = only.bounds["penalty_s"].high + 1.1 * window_s
    number = round(1.5 * burst * (1 + more) / more) + 10
    return Measurement(
        "the rate", rest_s, paces.steady((1 + more) * only.bounds["rate"].high, number, until_refused=True)
    )


def _fills(only: Hypothesis) -> Measurement:
    found = only.likely
    rate = MOST_FASTER * found["lump"] / found["interval_s"]
    number = round(min(float(MOST_REQUESTS), 12 * rate * found["interval_s"]))
    return Measurement("the fills", 0.0, paces.steady(max(rate, 12 / found["interval_s"]), number))


def _queue(only: Hypothesis, times: int) -> Measurement:
    rate = only.likely["rate"]
    return Measurement("the rate of the queue", 0.0, paces.steady(1.15 * rate, _number(40.0, 3 * rate, times)))


def _period(only: Hypothesis, round_trip_s: float) -> Measurement:
    """A burst that is as large as the limit may be, and polls about the instants when it may admit again."""
    name = "window_s" if "window_s" in only.bounds else "penalty_s"
    period = only.bounds[name]
    quota, window_s = plan_size(only)
    most = min(1.2 * quota, only.bounds["quota"].high) if "quota" in only.bounds else quota
    burst = [0.0] * (round(most) + 2)
    spacing_s = burst_spacing_s(burst, round_trip_s, period.low)
    polls = list(_polls_of_a_clock(window_s) if only.kind is Kind.ALIGNED_WINDOW else _polls_about(period))
    return Measurement(f"the {name.removesuffix('_s')}", 1.2 * window_s, paces.at([*burst, *polls], spacing_s))


def _polls_about(period: Bounds) -> Iterator[float]:
    step_s = (min(period.high, MOST_TIMES * period.low) - period.low) / 12
    return (period.low + number * step_s for number in range(13))


def _polls_of_a_clock(window_s: float) -> Iterator[float]:
    return (number * window_s / 16 for number in range(1, 36))


def _number(least: float, usual: float, times: int) -> int:
    """How many requests, twice as many each time."""
    return int(round(min(float(MOST_REQUESTS), max(least, usual))) * 2**times)


def _middle(bounds: Bounds) -> float:
    return (bounds.low + bounds.high) / 2


def _is_wide(name: str, bounds: Bounds, foreign_share: float) -> bool:
    """Whether bounds are too wide; a number of requests cannot be closer than the requests of other clients."""
    counts = not name.endswith("_s") and name != "rate"
    least = 2.0 + most_foreign(foreign_share, bounds.high) if counts else 0.0
    return bounds.high - bounds.low > max(least, PRECISE * bounds.high)
