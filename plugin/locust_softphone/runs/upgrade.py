"""Reads what older versions wrote: the names that counters, histograms and the edge's policy had before.

outcome.offer.ok → outcomes.offer.ok      retries.made → retries        offer.response → offer
close.1006       → closes.1006            pings → pings_answered        call.response  → call_setup
patience         → max_early_retries      retry_after: {says: turn} → retry_after: {advice: own-slot}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from locust_softphone.config.expectation import Expectation
from locust_softphone.config.old_spellings import modernized
from locust_softphone.config.profile import Profile
from locust_softphone.runs.record import RunRecord

__all__ = ["tally_in_current_names", "upgraded"]

T = TypeVar("T")

_COUNTERS = {
    "retries.made": "retries",
    "reconnects.made": "reconnects",
    "pings": "pings_answered",
    "inbound.answered": "inbound_calls_answered",
}
_COUNTER_FAMILIES = {"outcome": "outcomes", "abnormal": "abnormal_closes"}
_CLOSE = re.compile(r"close\.\d+")
_ADVICE = {"turn": "own-slot", "next": "next-token"}


def upgraded(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of schema 1 or 2 as one of schema 3; what is missing stays missing.

    Schema 2 added ``measured`` to each expectation, ``aborted``, and a sample of retries; schema 3 renamed the counters
    of the timeline, the histograms, and two keys of the simulated edge's policy.
    """
    changed: dict[str, Any] = {"schema_version": 3, "profile": modernized(record["profile"], Profile).data}
    if "timeline" in record:
        changed["timeline"] = [_renamed(row, _counter) for row in record["timeline"]]
    if "histograms" in record:
        changed["histograms"] = _renamed(record["histograms"], _histogram)
    if policy := record.get("target", {}).get("policy"):
        changed["target"] = {**record["target"], "policy": _renamed(_with_advice(policy), _policy_key)}
    if record["schema_version"] == 1:
        changed["expectations"] = [{**each, "measured": None} for each in record["expectations"]]
        metrics = RunRecord.model_validate({**record, **changed}).metrics
        for each in changed["expectations"]:
            each["measured"] = Expectation.parse(each["text"]).measured(metrics)
    return {**record, **changed}


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


def _with_advice(policy: Mapping[str, Any]) -> dict[str, Any]:
    retry_after = dict(policy.get("retry_after", {}))
    if "says" in retry_after:
        says = retry_after.pop("says")
        retry_after["advice"] = _ADVICE.get(says, says)
    return {**policy, "retry_after": retry_after} if retry_after else dict(policy)


def _policy_key(name: str) -> str:
    return "max_early_retries" if name == "patience" else name


def _counter(name: str) -> str:
    first, dot, rest = name.partition(".")
    if first in _COUNTER_FAMILIES and dot:
        return f"{_COUNTER_FAMILIES[first]}.{rest}"
    return f"closes.{rest}" if _CLOSE.fullmatch(name) else _COUNTERS.get(name, name)


def _histogram(name: str) -> str:
    step = name.removesuffix(".response")
    return {"call": "call_setup", "call.service": "call_setup.service"}.get(step, step)
