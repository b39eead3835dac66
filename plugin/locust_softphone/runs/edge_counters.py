"""Reads the counters that an edge publishes (``GET /stats``). Any server may answer there, so nothing is trusted.

    {"server": "locust-softphone-edge", "instance": …, "policy": {…}, "steps": {"offer": {"admitted": 3, …}}, …}

What is not a counter, a group of counters, or one of the three fields above is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["SERVER", "gone_down", "read_counters"]

SERVER = "locust-softphone-edge"
_HIGHEST = 2**53  # whole numbers up to here are the same in every reader of JSON
_DEEPEST = 4
_DEEPEST_POLICY = 12
_MOST_NAMES = 200
_LONGEST_NAME = 100
_GROUPS = ("steps", "sessions", "doubled", "foreign", "refused_by", "cuts", "closes")


def read_counters(body: bytes) -> dict[str, Any] | None:
    """The counters in a response, or None if they are not those of a simulated edge."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("server") != SERVER:
        return None
    policy, instance = found.get("policy", {}), found.get("instance")
    if not isinstance(policy, dict) or _depth_beyond(policy, _DEEPEST_POLICY) or not isinstance(instance, str | None):
        return None
    counters = _counters(found, _DEEPEST)
    if not _is_well_formed(counters):
        return None
    return {**counters, "server": SERVER, "instance": instance, "policy": policy}


def gone_down(gained: Mapping[str, Any]) -> bool:
    """Whether a counter is lower than before."""
    return any(gone_down(value) if isinstance(value, Mapping) else value < 0 for value in gained.values())


def _counters(value: Mapping[str, Any], deepest: int) -> dict[str, Any]:
    """The counters and groups of counters; everything else is left out."""
    kept: dict[str, Any] = {}
    for name, inner in list(value.items())[:_MOST_NAMES]:
        if len(name) > _LONGEST_NAME or name == "policy":
            continue
        if isinstance(inner, dict) and deepest:
            kept[name] = _counters(inner, deepest - 1)
        elif isinstance(inner, int) and not isinstance(inner, bool) and 0 <= inner <= _HIGHEST:
            kept[name] = inner
    return kept


def _is_well_formed(counters: Mapping[str, Any]) -> bool:
    """Whether groups are groups and counters are counters, where the ledger reads them."""
    if not isinstance(counters.get("steps"), dict):
        return False
    if any(not isinstance(counters.get(group, {}), dict) for group in _GROUPS):
        return False
    if any(not isinstance(n, int) for n in counters.get("doubled", {}).values()):
        return False
    if any(not isinstance(by, dict) for by in counters.get("foreign", {}).values()):
        return False
    return isinstance(counters.get("sessions", {}).get("total", 0), int) and all(
        isinstance(step, dict)
        and all(isinstance(step.get(name), int) for name in ("requests", "admitted", "cut"))
        and isinstance(step.get("refused"), dict)
        and all(status.isdigit() and isinstance(n, int) for status, n in step["refused"].items())
        for step in counters["steps"].values()
    )


def _depth_beyond(value: object, most: int) -> bool:
    """Whether mappings and lists are nested deeper than ``most``."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return most <= 0 or any(_depth_beyond(each, most - 1) for each in inner)
