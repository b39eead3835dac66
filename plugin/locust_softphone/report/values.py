"""How a report writes values: counts, ratios, shares, and estimates with their intervals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from locust_softphone.metrics.catalogue import KINDS
from locust_softphone.report.statistics import Estimate
from locust_softphone.text import duration, one_line

__all__ = ["estimated", "listed", "number", "overridden"]


def number(value: float | None) -> str:
    """A count as it is, a ratio to two decimals, ``-`` for None."""
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def listed(parts: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def overridden(profile: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """What a form changed in a profile: ``users 100 instead of 500``; empty if nothing."""
    changes = (f"{key} {_plain(profile.get(key))} instead of {_plain(value)}" for key, value in before.items())
    return one_line(", ".join(changes))


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def estimated(metric: str, estimate: Estimate | None, *, signed: bool = False) -> str:
    """A metric with its interval: ``1.4% (0.6–3.5%)``; without one for a single run, or where it has no width.

    Args:
        metric: its name; ``answered`` is a share here.
        estimate: its value; None where it was not measured.
        signed: whether it is a difference.
    """
    if estimate is None:
        return "-"
    value, low, high = (_with_unit(metric, each, signed) for each in (estimate.value, estimate.low, estimate.high))
    if low == high:
        return "".join(value)
    start = low[0] if low[1] == high[1] else "".join(low)
    return f"{''.join(value)} ({start}{' to ' if signed else '–'}{''.join(high)})"


def _with_unit(metric: str, value: float | None, signed: bool) -> tuple[str, str]:
    """A value and its unit."""
    size = abs(value or 0.0)
    sign = "-" if (value or 0.0) < 0 else "+" if signed else ""
    if metric == "answered":
        return f"{sign}{100 * size:.1f}", " pp" if signed else "%"  # between shares: percentage points
    if KINDS[metric] == "seconds":
        digits, space, unit = duration(size).partition(" ")
        return sign + digits, space + unit
    return sign + (f"{size:.2f}" if KINDS[metric] == "ratio" else _mean_count(size)), ""


def _mean_count(count: float) -> str:
    """To three digits; without decimals where it is whole."""
    return f"{count:.{0 if count >= 100 or count == int(count) else 1 if count >= 10 else 2}f}"
