"""From hypotheses to models: how large a limit is about, and a limit that has seen the same requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import RARE, SIMPLE
from locust_softphone.limits.inference.observations import Evidence
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.limits.session_cap import SessionCap

__all__ = ["model_of", "plan_size", "together"]

METHODS = {method.kind: method for method in (*SIMPLE, *RARE)}


def plan_size(hypothesis: Hypothesis) -> tuple[float, float]:
    """The quota and the window that plans are made for."""
    found = hypothesis.likely
    if "cap" in found:
        return found["cap"], 1.0
    if "penalty_s" in found:
        return found["burst"], max(found["penalty_s"], found["burst"] / max(found["rate"], 1e-3))
    if "rate" in found and "burst" not in found:
        capacity = found.get("capacity", 10.0)
        return capacity, capacity / found["rate"]
    if "rate" in found:
        return found["burst"], found["burst"] / max(found["rate"], 1e-3)
    if "interval_s" in found:
        return found["burst"], found["interval_s"] * max(1.0, found["burst"] / found["lump"])
    return found["quota"], found["window_s"]


def together(hypotheses: Sequence[Hypothesis]) -> Hypothesis:
    """One hypothesis in place of several windows of one kind: the first one, with the bounds of all."""
    first = hypotheses[0]
    if "window_s" not in first.bounds:
        return first
    bounds = {
        name: Bounds.around([each.bounds[name] for each in hypotheses])
        for name in first.bounds
        if all(name in each.bounds for each in hypotheses)
    }
    return replace(first, bounds=bounds)


def model_of(hypothesis: Hypothesis, evidence: Evidence) -> Limit:
    """A limit of this kind after all requests so far. A cap is empty: its sessions are closed before a plan."""
    found = hypothesis.likely
    method = METHODS[hypothesis.kind]
    if method.make is None:
        return SessionCap(max(1, round(found["cap"])))
    limit = method.make(evidence, *(found[name] for name in method.parameters))
    for each in evidence.all:
        limit.admit((each.earliest_s + each.latest_s) / 2)
    return limit
