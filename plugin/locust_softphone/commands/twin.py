"""The twin: a policy file with the limits that a probe found, each value with its bounds as a comment.

handshake:
- kind: token-bucket
  rate: 50/s           # 49.6/s to 50.2/s
  burst: 150           # 149 to 151
  refusal: {status: 429, retry_after: {form: none}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from locust_softphone.config.units import format_duration
from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.probing.finding import Finding

__all__ = ["ProbedStep", "twin"]

POLICY_STEPS = ("token", "handshake", "offer")
"""The steps that a policy has limits for."""

NARROW = 1.1  # ratio of the bounds

NAMES: Mapping[Kind, tuple[str, Mapping[str, object]]] = {
    Kind.TOKEN_BUCKET: ("token-bucket", {}),
    Kind.FIRST_WINDOW: ("fixed-window", {"begins": "first-request"}),
    Kind.ALIGNED_WINDOW: ("fixed-window", {"begins": "clock"}),
    Kind.SLIDING_LOG: ("sliding-log", {}),
    Kind.SLIDING_COUNTER: ("sliding-counter", {}),
    Kind.MEASURED_RATE: ("measured-rate", {}),
    Kind.LUMPS: ("lump-bucket", {}),
    Kind.PENALTY: ("token-bucket", {}),
    Kind.RENEWED_PENALTY: ("token-bucket", {}),
    Kind.LEAKY_QUEUE: ("leaky-bucket", {"delays": "true"}),
    Kind.WORK_QUEUE: ("work-queue", {}),
    Kind.CAP: ("session-cap", {}),
}


@dataclass(frozen=True)
class ProbedStep:
    """What a probe found out about one step.

    Args:
        name: the step.
        finding: kind and bounds.
        refused_with: the HTTP status of most refusals; 0 without any.
        tells_retry_after: whether refusals have a Retry-After.
        shared: for each part of a key that was tried, whether a second one shares the limit; None if unknown.
        failures: attempts that were not answered, by reason.
        dropped: sessions that the edge ended.
    """

    name: str
    finding: Finding
    refused_with: int = 0
    tells_retry_after: bool = False
    shared: Mapping[str, bool | None] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """What the limit counts by: the parts whose second value has a limit of its own, else the organisation."""
        return tuple(part for part, shared in self.shared.items() if shared is False) or ("organisation",)

    @property
    def counts_by(self) -> str:
        """The same in words, with what was ruled out."""
        if own := [part for part, shared in self.shared.items() if shared is False]:
            return ", ".join(own)
        shared = [part for part, shared in self.shared.items() if shared]
        return f"not the {', not the '.join(shared)}" if shared else "unknown"


def twin(url: str, steps: list[ProbedStep]) -> str:
    """The policy as YAML.

    Args:
        url: the edge that was probed.
        steps: what was found; a step without a limit gets none, and a step that was not probed the default one.
    """
    lines = [f"# What a probe of {url} found out. Each comment has the bounds of the value before it.", "limits:"]
    by_name = {step.name: step for step in steps}
    for name in POLICY_STEPS:
        if name not in by_name:
            lines.append(f"  # {name}: not probed, so the default holds")
            continue
        step = by_name[name]
        best = step.finding.best
        if best is None or (best.kind is Kind.CAP and name == "handshake"):
            refused = "unknown" if step.finding.diagnosis.refused and best is None else "none found"
            lines.append(f"  {name}: []  # {refused}")
        else:
            lines += [f"  {name}:", *_entry(step, best)]
    handshake = by_name.get("handshake")
    if handshake and handshake.finding.best and handshake.finding.best.kind is Kind.CAP:
        lines += ["  sessions:", *_entry(handshake, handshake.finding.best)]
    return "\n".join(lines) + "\n"


def _entry(step: ProbedStep, best: Hypothesis) -> Iterator[str]:
    kind, constant = NAMES[best.kind]
    yield f"  - kind: {kind}"
    others = [each.value for each in step.finding.diagnosis.kinds[1:]]
    if others:
        yield f"    # also possible: {', '.join(others)}"
    if step.finding.if_shared:
        yield f"    # also possible if other clients used it: {', '.join(step.finding.if_shared)}"
    for name, value, comment in _values(best):
        yield f"    {name}: {value}".ljust(28) + (f"  # {comment}" if comment else "")
    for name, fixed in constant.items():
        yield f"    {name}: {fixed}"
    yield f"    key: [{', '.join(step.key)}]"
    told = "{form: seconds}" if step.tells_retry_after else "{form: none}"
    yield f"    refusal: {{status: {step.refused_with or 429}, retry_after: {told}, headers: []}}"


def _values(best: Hypothesis) -> Iterator[tuple[str, str, str]]:
    """Name, value and bounds of each parameter."""
    bounds = best.bounds
    likely = {name: _value(bounds[name], value) for name, value in best.likely.items()}
    if "rate" in likely and best.kind is not Kind.WORK_QUEUE:
        yield "rate", f"{_short(likely['rate']):g}/s", _between(bounds["rate"], "/s")
    if best.kind is Kind.LUMPS:
        yield "lump", f"{round(likely['lump'])}", _between(bounds["lump"])
        yield "every", format_duration(_short(likely["interval_s"])), _between(bounds["interval_s"], " s")
    if "burst" in likely:
        yield "burst", f"{max(1, round(likely['burst']))}", _between(bounds["burst"])
    if "quota" in likely:
        yield "quota", f"{round(likely['quota'])}", _between(bounds["quota"])
        yield "window", format_duration(_short(likely["window_s"])), _between(bounds["window_s"], " s")
    if "cap" in likely:
        yield "cap", f"{round(likely['cap'])}", _between(bounds["cap"])
    if "penalty_s" in likely:
        renewed = "true" if best.kind is Kind.RENEWED_PENALTY else "false"
        lasts = format_duration(_short(likely["penalty_s"]))
        yield "penalty", f"{{lasts: {lasts}, renewed: {renewed}}}", _between(bounds["penalty_s"], " s")
    if best.kind is Kind.LEAKY_QUEUE:
        capacity = bounds.get("capacity")
        yield "queue", f"{round(likely.get('capacity', 1e6 + 1)) - 1}", _between(capacity, shift=-1) if capacity else ""
    if best.kind is Kind.WORK_QUEUE:
        capacity = bounds.get("capacity")
        yield "workers", "1", "how many there are cannot be seen from outside"
        yield "queue", f"{round(likely.get('capacity', 1e6)) - 1}", _between(capacity, shift=-1) if capacity else ""
        yield "work", format_duration(_short(1 / likely["rate"])), f"a rate of {_between(bounds['rate'], '/s')}"


def _value(bounds: Bounds, likely: float) -> float:
    """The middle of narrow bounds; in wide ones not every value explains the answers."""
    return (bounds.low + bounds.high) / 2 if bounds.high <= NARROW * bounds.low else likely


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _between(bounds: Bounds, unit: str = "", *, shift: int = 0) -> str:
    low, high = bounds.low + shift, bounds.high + shift
    if high == inf:
        return f"at least {low:.4g}{unit}"
    return f"{low:.4g}{unit}" if f"{low:.4g}" == f"{high:.4g}" else f"{low:.4g}{unit} to {high:.4g}{unit}"
