"""A policy made of the limits that a run met, as its record explains them.

Of each limit the strictest that its bounds allow is taken: the lowest rate, burst, quota or cap, the longest window.
What the run did not meet is open. Where several kinds may explain a limit, there is no policy: a plan for the wrong
kind would mislead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor
from typing import Any

from locust_softphone.config.policy import Policy
from locust_softphone.config.units import format_duration, format_rate
from locust_softphone.errors import InputError
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.runs.limit_parts import Explanation, StepLimit
from locust_softphone.runs.record import RunRecord

__all__ = ["policy_of_run"]

_OPEN = {"rate": "1000000/s", "burst": 1_000_000}
_LEAST = 1e-3
"""A lower bound below this says nothing."""
_STEPS = ("token", "handshake", "registration", "offer")


def policy_of_run(record: RunRecord) -> Policy:
    """The policy that a run's record shows.

    Raises:
        InputError: the run met no limit, or one that its record does not explain.
    """
    if record.simulation is not None and record.limits is None:
        raise InputError(
            f"--from {record.run_id}: only the first of some simulated repetitions is diagnosed; name that one"
        )
    found = [limit for limit in record.limits or () if limit.step in _STEPS]
    if not found:
        raise InputError(f"--from {record.run_id}: the run met no limit that its record shows; give a --policy instead")
    limits: dict[str, list[dict[str, Any]]] = {}
    for limit in found:
        entry = _entry(record, limit)
        limits.setdefault("sessions" if entry.get("kind") == "session-cap" else limit.step, []).append(entry)
    policy = {"limits": {step: [_OPEN] for step in _STEPS} | limits, "setup": _OPEN}
    return Policy.model_validate({**policy, "retry_after": {"advice": "next-token"}})


def _entry(record: RunRecord, limit: StepLimit) -> dict[str, Any]:
    """The limit as a policy file has it."""
    likely = [each for each in limit.hypotheses if each.likely]
    kinds = list(dict.fromkeys(each.kind for each in likely))
    if len(kinds) == 1 and kinds[0] in _ENTRIES and (values := _strictest(likely[0])):
        return _ENTRIES[kinds[0]](values)
    may_be = f"; it may be a {' or a '.join(kinds)}" if len(kinds) > 1 else ""
    raise InputError(
        f"--from {record.run_id}: the run does not show well enough which limit {limit.step} has{may_be}; "
        "locust-softphone probe finds out, and writes a policy for --policy"
    )


def _strictest(explanation: Explanation) -> dict[str, float] | None:
    """The strictest value of each parameter; None if one has no bound on that side."""
    bounds = explanation.bounds.items()
    values = {name: between.high if name.endswith("_s") else between.low for name, between in bounds}
    known = {name: value for name, value in values.items() if value and value >= _LEAST}
    return known if len(known) == len(values) else None


def _bucket(values: Mapping[str, float]) -> dict[str, Any]:
    return {"rate": format_rate(round(values["rate"], 4)), "burst": max(floor(values["burst"]), 1)}


def _window(kind: str, **keys: str) -> Callable[[Mapping[str, float]], dict[str, Any]]:
    return lambda values: {
        "kind": kind,
        "quota": max(floor(values["quota"]), 1),
        "window": format_duration(round(values["window_s"], 3)),
        **keys,
    }


def _lumps(values: Mapping[str, float]) -> dict[str, Any]:
    every = format_duration(round(values["interval_s"], 3))
    lump, burst = (max(floor(values[name]), 1) for name in ("lump", "burst"))
    return {"kind": "lump-bucket", "lump": lump, "every": every, "burst": burst}


def _penalty(values: Mapping[str, float], *, renewed: bool = False) -> dict[str, Any]:
    lasts = format_duration(round(values["penalty_s"], 3))
    return {**_bucket(values), "penalty": {"lasts": lasts, "renewed": renewed}}


_ENTRIES: Mapping[str, Callable[[Mapping[str, float]], dict[str, Any]]] = {
    Kind.CAP: lambda values: {"kind": "session-cap", "cap": max(floor(values["cap"]), 1)},
    Kind.TOKEN_BUCKET: _bucket,
    Kind.FIRST_WINDOW: _window("fixed-window"),
    Kind.ALIGNED_WINDOW: _window("fixed-window", begins="clock"),
    Kind.SLIDING_LOG: _window("sliding-log"),
    Kind.SLIDING_COUNTER: _window("sliding-counter"),
    Kind.MEASURED_RATE: _window("measured-rate"),
    Kind.LUMPS: _lumps,
    Kind.PENALTY: _penalty,
    Kind.RENEWED_PENALTY: lambda values: _penalty(values, renewed=True),
}
