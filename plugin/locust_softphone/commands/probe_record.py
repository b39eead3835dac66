"""The record of a probe: every request and every result, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from locust_softphone import __version__
from locust_softphone.commands.twin import ProbedStep
from locust_softphone.limits.inference.diagnosis import Hypothesis

__all__ = ["probe_record"]


def probe_record(url: str, steps: Sequence[ProbedStep]) -> dict[str, Any]:
    """What a probe of ``url`` sent and found; instants are seconds since the first request of a step."""
    return {"probe": 1, "version": __version__, "edge": url, "steps": {each.name: _step(each) for each in steps}}


def _step(step: ProbedStep) -> dict[str, Any]:
    finding = step.finding
    began_s = finding.observations[0].sent_s if finding.observations else 0.0
    return {
        "hypotheses": [_hypothesis(each) for each in finding.diagnosis.hypotheses],
        "if_shared": [kind.value for kind in finding.if_shared],
        "ruled_out": [each.kind.value for each in finding.diagnosis.ruled_out],
        "requests": finding.diagnosis.requests,
        "refused": finding.diagnosis.refused,
        "seconds": round(finding.seconds, 3),
        "ended_by": finding.spent or None,
        "refused_with": step.refused_with or None,
        "shared_between": dict(step.shared),
        "failures": dict(step.failures),
        "dropped": step.dropped,
        "observations": [
            [round(each.sent_s - began_s, 6), round(each.answered_s - began_s, 6), each.admitted, each.open]
            for each in finding.observations
        ],
    }


def _hypothesis(hypothesis: Hypothesis) -> dict[str, Any]:
    return {
        "kind": hypothesis.kind.value,
        "bounds": {
            name: [each.low, None if each.high == inf else each.high] for name, each in hypothesis.bounds.items()
        },
        "likely": dict(hypothesis.likely),
        "foreign_share": hypothesis.foreign_share,
    }
