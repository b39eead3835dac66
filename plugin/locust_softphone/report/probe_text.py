"""The result of a probe in the terminal: for each step the limit, its bounds, what it counts by, and the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf

from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.probing.finding import MOST_SHARED, Finding
from locust_softphone.text import duration

__all__ = ["probe_text"]

UNITS = {"rate": "/s", "window_s": " s", "penalty_s": " s", "interval_s": " s"}
COSTS = {
    Kind.MEASURED_RATE: "refused requests count too, so asking again keeps it closed",
    Kind.RENEWED_PENALTY: "each request during the penalty starts it again",
    Kind.PENALTY: "after a refusal everything is refused for a while",
}
"""What refused requests cost, if anything."""


def probe_text(findings: Mapping[str, Finding], counted_by: Mapping[str, str]) -> str:
    """A paragraph for each step.

    Args:
        findings: the result for each step.
        counted_by: what is known about what each limit counts by.
    """
    return "\n".join(_step(step, finding, counted_by.get(step, "")) for step, finding in findings.items())


def _step(step: str, finding: Finding, counted_by: str) -> str:
    diagnosis = finding.diagnosis
    lines = list(_limit(finding))
    if finding.best is not None:
        lines.append(COSTS.get(finding.best.kind, "refused requests cost nothing"))
        if counted_by:
            lines.append(f"counts by: {counted_by}")
    ended = f"; ended by: {finding.spent}" if finding.spent else ""
    lines.append(f"{diagnosis.requests:,} requests, {diagnosis.refused:,} refused, {duration(finding.seconds)}{ended}")
    return "\n".join(f"{step if number == 0 else '':14}{line}" for number, line in enumerate(lines)) + "\n"


def _limit(finding: Finding) -> Iterator[str]:
    diagnosis = finding.diagnosis
    if finding.best is None:
        refused = "refused, but no kind of limit explains the answers"
        yield refused if diagnosis.refused else f"no limit up to {_busiest(finding.observations):,} a second"
        return
    for number, hypothesis in enumerate(diagnosis.hypotheses):
        yield f"{'or ' if number else ''}{hypothesis.kind.value}: {', '.join(_bounds(hypothesis))}"
    if finding.if_shared:
        kinds = ", ".join(finding.if_shared)
        yield f"if other clients use up to {MOST_SHARED:.0%} of the limit, also possible: {kinds}"
    if diagnosis.experiment:
        yield f"an experiment that would separate them: {diagnosis.experiment}"


def _busiest(observations: Sequence[Observation]) -> int:
    """The largest number of requests that were sent in a second."""
    began_s = min((each.sent_s for each in observations), default=0.0)
    return max(Counter(int(each.sent_s - began_s) for each in observations).values(), default=0)


def _bounds(hypothesis: Hypothesis) -> Iterator[str]:
    for name, bounds in hypothesis.bounds.items():
        unit, label = UNITS.get(name, ""), name.removesuffix("_s")
        low, high = f"{bounds.low:.4g}", f"{bounds.high:.4g}"
        if bounds.high == inf:
            yield f"{label} at least {low}{unit}"
        else:
            yield f"{label} {low}{unit}" if low == high else f"{label} {low} to {high}{unit}"
    if hypothesis.foreign_share:
        yield f"if other clients use {hypothesis.foreign_share:.0%}"
