"""The size of a limit in words, as far as the bounds tell it.

148 to 152 at once              both bounds tell something
at most 323 at once             a lower bound of one request tells nothing
at least 36 a second            so does an upper bound that is far above the lower one
a rate that the run cannot show
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor

from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.runs.limit_parts import Between, Explanation

__all__ = ["amount", "described", "is_narrow", "rate_is_unknown", "total_size"]

NARROW = 3.0
"""A best estimate is given if the greatest possible value is at most this many times the least."""

WIDE = 10.0
"""A greatest rate tells nothing if it is more than this many times the least one, and fills the burst this often."""

COUNTS = ("cap", "burst", "quota", "lump", "capacity")
"""The parameters that count requests or sessions: an edge has them in whole numbers."""

SIZES = ("cap", "burst", "quota")
"""The parameters that say how many pass at once: each kind has one of them, but for the queues."""

UNKNOWN = "a number that the run cannot show"


def described(explanation: Explanation) -> str:
    """A kind of limit with its bounds: ``token bucket, about 150 at once, then 50 a second (bounds: …)``."""
    bounds = {name: _between(name, each) for name, each in explanation.bounds.items()}
    if "rate" in bounds:
        bounds["rate"] = _rate(explanation)
    text = _size(explanation.kind, bounds)
    best = {name: _value(name, value) for name, value in explanation.best.items()}
    if "rate" in best:
        best["rate"] += " a second"
    if best and best != bounds and all(map(is_narrow, explanation.bounds.values())):
        text = f"about {_size(explanation.kind, best)} (bounds: {text})"
    return f"{explanation.kind}, {text}"


def is_narrow(bounds: Between) -> bool:
    """Whether one value can stand for these bounds."""
    return bounds.high is not None and bounds.high <= NARROW * bounds.low


def rate_is_unknown(explanation: Explanation) -> bool:
    """Whether the limit has a rate of which the bounds tell nothing."""
    rate = explanation.bounds.get("rate")
    return rate is not None and rate.low <= 0 and not _rate_has_a_most(explanation)


def total_size(explanations: Sequence[Explanation], admitted: int) -> str:
    """How many pass at once, whichever of these it is: ``at most 51``; empty if the run admitted no more in all."""
    sizes = [next((each.bounds[name] for name in SIZES if name in each.bounds), None) for each in explanations]
    if not sizes or any(size is None or size.high is None for size in sizes):
        return ""
    least = min(size.low for size in sizes if size)
    most = max(size.high for size in sizes if size and size.high is not None)
    return _between("burst", Between(low=least, high=most)) if most < admitted else ""


def amount(value: float) -> str:
    """A number to three digits."""
    if value == int(value) or value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _rate_has_a_most(explanation: Explanation) -> bool:
    rate, burst = explanation.bounds["rate"], explanation.bounds.get("burst")
    if rate.high is None:
        return False
    size = (burst.high or burst.low) if burst else 0.0
    return rate.high <= WIDE * max(rate.low, size)


def _rate(explanation: Explanation) -> str:
    if rate_is_unknown(explanation):
        return "at a rate that the run cannot show"
    rate = explanation.bounds["rate"]
    known = rate if _rate_has_a_most(explanation) else Between(low=rate.low, high=None)
    return f"{_between('rate', known)} a second"


def _size(kind: str, size: Mapping[str, str]) -> str:
    match kind:
        case Kind.CAP:
            return f"{size['cap']} at once"
        case Kind.TOKEN_BUCKET:
            return f"{size['burst']} at once, then {size['rate']}"
        case Kind.LUMPS:
            return f"{size['burst']} at once, then {size['lump']} every {size['interval_s']} s"
        case Kind.PENALTY | Kind.RENEWED_PENALTY:
            return f"{size['burst']} at once, then {size['rate']}; after a refusal nothing for {size['penalty_s']} s"
        case Kind.LEAKY_QUEUE | Kind.WORK_QUEUE:
            if "rate" not in size:
                return "whose size cannot be told"
            holds = f", and at most {size['capacity']} wait" if "capacity" in size else ""
            return f"{size['rate']} are served, the others wait{holds}"
    return f"{size['quota']} in {size['window_s']} s"


def _between(name: str, bounds: Between) -> str:
    """``49.6 to 50.4``; one number where both are written alike; only the bound that tells something."""
    low, high = bounds.low, bounds.high
    if name in COUNTS and high is not None and ceil(low) <= floor(high):
        low, high = ceil(low), floor(high)
    least = 1 if name in COUNTS else 0
    if high is None:
        return UNKNOWN if low <= least else f"at least {_value(name, low)}"
    if low <= least < high:
        return f"at most {_value(name, high)}"
    low_text, high_text = _value(name, low), _value(name, high)
    return low_text if low_text == high_text else f"{low_text} to {high_text}"


def _value(name: str, value: float) -> str:
    return f"{value:.0f}" if name in COUNTS else amount(value)
