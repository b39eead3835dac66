"""Whether runs got worse than a baseline: what decides a CI job.

    worse          the difference is significant (``statistics``), and the metric is worse by more than the tolerance
    not worse      any other difference
    cannot tell    a plan has a single run on one side, has changed since, or is not in the baseline

Of ``answered`` more is better, of every other metric less. The tolerance of ``answered`` is a share of the planned
softphones, that of the others a share of the baseline's value. Where more softphones were answered than in the
baseline, attempts and set-up times are not judged: they were low in the baseline because softphones gave up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from locust_softphone.report.arms import COMPARED_METRICS, Arm, arms_of, runs_of
from locust_softphone.report.conditions import OUTSIDE_PROFILE, changes
from locust_softphone.report.differences import SAME_WITHIN_IF_REPEATED, ArmDifference
from locust_softphone.report.values import estimated, listed
from locust_softphone.runs.record import RunRecord

__all__ = ["DEFAULT_TOLERANCE", "ArmGate", "BaselineGate", "GateResult", "MetricGate", "gate_against"]

DEFAULT_TOLERANCE = SAME_WITHIN_IF_REPEATED

_ENOUGH_RUNS = 2
_OF_ANSWERED = ("amplification", "call_setup.p50", "call_setup.p95", "call_setup.p99")


class GateResult(StrEnum):
    """What a comparison with a baseline says of a plan or of one of its metrics."""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class MetricGate:
    """One metric of one plan.

    Args:
        metric: its name.
        result: whether it got worse.
        text: its value now and in the baseline, or why it cannot be told.
    """

    metric: str
    result: GateResult
    text: str


@dataclass(frozen=True)
class ArmGate:
    """One plan against the same plan in the baseline.

    Args:
        label: of the plan.
        metrics: those that both sides have measured; empty if it cannot be told.
        why: why it cannot be told; empty if it can.
        outside: what else differs, such as the target or a version.
    """

    label: str
    metrics: tuple[MetricGate, ...] = ()
    why: str = ""
    outside: str = ""

    @property
    def result(self) -> GateResult:
        if self.why:
            return GateResult.CANNOT_TELL
        return GateResult.WORSE if self.worse else GateResult.NOT_WORSE

    @property
    def worse(self) -> tuple[MetricGate, ...]:
        """The metrics that got worse."""
        return tuple(each for each in self.metrics if each.result is GateResult.WORSE)

    def sentence(self, baseline: str) -> str:
        """The result in one sentence."""
        also = f" Also different: {self.outside}." if self.outside else ""
        if self.why:
            return f"Cannot tell whether {self.label} is worse than the baseline {baseline}: {self.why}."
        if self.worse:
            each = listed(f"{metric.metric} {metric.text}" for metric in self.worse)
            return f"{self.label} is worse than the baseline {baseline}: {each}.{also}"
        return f"{self.label} is not worse than the baseline {baseline}, in {len(self.metrics)} metrics.{also}"


@dataclass(frozen=True)
class BaselineGate:
    """All plans against a baseline.

    Args:
        baseline: its name.
        arms: each plan.
    """

    baseline: str
    arms: tuple[ArmGate, ...]

    @property
    def sentences(self) -> list[str]:
        """One for each plan."""
        return [arm.sentence(self.baseline) for arm in self.arms]

    def has(self, result: GateResult) -> bool:
        """Whether a plan has this result."""
        return any(arm.result is result for arm in self.arms)


def gate_against(
    records: Iterable[RunRecord],
    baseline: Sequence[RunRecord],
    name: str,
    tolerance: float = DEFAULT_TOLERANCE,
) -> BaselineGate:
    """Compare each plan of some runs with the same plan of a baseline.

    Args:
        records: the runs.
        baseline: the runs of the baseline.
        name: of the baseline.
        tolerance: by how much a metric may get worse; a share.
    """
    before = [(_plan_of(arm), arm) for arm in _comparable_arms(baseline)]
    now = _comparable_arms(records)
    return BaselineGate(
        name, tuple(_gate(arm, [each for plan, each in before if plan == _plan_of(arm)], tolerance) for arm in now)
    )


def _comparable_arms(records: Iterable[RunRecord]) -> list[Arm]:
    return arms_of([run for run in runs_of(records) if run.is_comparable])


def _plan_of(arm: Arm) -> tuple[str, bool]:
    """What has to be the same in the baseline: the profile's name, and whether the run was simulated."""
    record = arm.runs[0].record
    return record.name, record.simulation is not None


def _gate(arm: Arm, same_name: Sequence[Arm], tolerance: float) -> ArmGate:
    """One plan against those of the same name in the baseline."""
    unchanged = [each for each in same_name if not _plan_changes(each, arm)]
    if not same_name:
        return ArmGate(arm.label, why="no valid run in the baseline has this profile")
    if not unchanged:
        return ArmGate(arm.label, why=f"the profile has changed since ({_plan_changes(same_name[-1], arm)})")
    if len(unchanged) > 1:
        return ArmGate(arm.label, why="the baseline has runs of this profile under different conditions")
    before = unchanged[0]
    few = [f"{_runs(each)} {where}" for each, where in ((before, "in the baseline"), (arm, "now"))
           if len(each.runs) < _ENOUGH_RUNS]  # fmt: skip
    if few:
        why = f"there is only {listed(few)}, and one run does not show how much runs differ; use --repeat 3"
        return ArmGate(arm.label, why=why)
    difference = ArmDifference(before, arm, tuple(changes(before.conditions, arm.conditions)))
    metrics = (_metric(metric, difference, tolerance) for metric in COMPARED_METRICS)
    outside = ", ".join(f"{each.full_name} {each.before} → {each.after}" for each in difference.changed)
    return ArmGate(arm.label, tuple(each for each in metrics if each), outside=outside)


def _plan_changes(before: Arm, after: Arm) -> str:
    """What differs between two profiles of one name; empty if nothing does."""
    found = (each for each in changes(before.conditions, after.conditions) if each.part not in OUTSIDE_PROFILE)
    return ", ".join(f"{each.name} {each.before} → {each.after}" for each in found)


def _runs(arm: Arm) -> str:
    return f"{len(arm.runs)} run" if len(arm.runs) == 1 else f"{len(arm.runs)} runs"


def _metric(metric: str, difference: ArmDifference, tolerance: float) -> MetricGate | None:
    """One metric; None if it was measured on neither side."""
    old, new = difference.before.estimates[metric], difference.after.estimates[metric]
    moved = difference.metrics[metric]
    if old is None and new is None:
        return None
    text = f"{estimated(metric, new)} instead of {estimated(metric, old)}"
    if old is None or moved is None or difference.is_significant(metric) is None:
        return MetricGate(metric, GateResult.CANNOT_TELL, f"{text}; not measured in every run")
    if metric in _OF_ANSWERED and _more_answered(difference):
        return MetricGate(metric, GateResult.CANNOT_TELL, f"{text}; more softphones were answered than before")
    worse_by = -moved.value if metric == "answered" else moved.value
    allowed = tolerance * (1.0 if metric == "answered" else old.value)
    is_worse = bool(difference.is_significant(metric)) and worse_by > allowed
    return MetricGate(metric, GateResult.WORSE if is_worse else GateResult.NOT_WORSE, text)


def _more_answered(difference: ArmDifference) -> bool:
    """Whether significantly more softphones were answered."""
    moved = difference.metrics["answered"]
    return moved is not None and moved.value > 0 and bool(difference.is_significant("answered"))
