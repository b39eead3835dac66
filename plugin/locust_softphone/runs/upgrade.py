"""Reads what older versions wrote: the names that counters and histograms had in records and journals before.

outcome.offer.ok → outcomes.offer.ok      retries.made → retries        offer.response → offer
close.1006       → closes.1006            pings → pings_answered        call.response  → call_setup
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = ["in_current_names", "tally_in_current_names"]

T = TypeVar("T")

_COUNTERS = {
    "retries.made": "retries",
    "reconnects.made": "reconnects",
    "pings": "pings_answered",
    "inbound.answered": "inbound_calls_answered",
}
_COUNTER_FAMILIES = {"outcome": "outcomes", "abnormal": "abnormal_closes"}
_CLOSE = re.compile(r"close\.\d+")


def in_current_names(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its timeline and histograms in today's names."""
    return {
        **record,
        "timeline": [_renamed(row, _counter) for row in record["timeline"]],
        "histograms": _renamed(record["histograms"], _histogram),
    }


def tally_in_current_names(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A tally as ``Tally.to_plain`` made it, in today's names."""
    return {
        **plain,
        "counts": _renamed(plain["counts"], _counter),
        "latencies": _renamed(plain["latencies"], _histogram),
        "timeline": [[second, _renamed(counts, _counter)] for second, counts in plain["timeline"]],
        "first_s": _renamed(plain["first_s"], _counter),
        "last_s": _renamed(plain["last_s"], _counter),
    }


def _renamed(values: Mapping[str, T], new_name: Any) -> dict[str, T]:
    return {new_name(name): value for name, value in values.items()}


def _counter(name: str) -> str:
    first, dot, rest = name.partition(".")
    if first in _COUNTER_FAMILIES and dot:
        return f"{_COUNTER_FAMILIES[first]}.{rest}"
    return f"closes.{rest}" if _CLOSE.fullmatch(name) else _COUNTERS.get(name, name)


def _histogram(name: str) -> str:
    step = name.removesuffix(".response")
    return {"call": "call_setup", "call.service": "call_setup.service"}.get(step, step)
