"""A comparison of runs, built once; every output format renders the same values.

records ──► runs ──► arms ──► differences ──► findings, warnings, headline, tables
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from locust_softphone.report.arms import Arm, Run, arms_of, runs_of
from locust_softphone.report.baseline_gate import BaselineGate, GateResult
from locust_softphone.report.conditions import OUTSIDE_PROFILE, Change, changes
from locust_softphone.report.differences import ArmDifference, differences_between
from locust_softphone.report.findings import Finding, FindingKind, findings_of, headline_of
from locust_softphone.report.tables import Table, tables_of
from locust_softphone.runs.record import RunRecord

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True)
class Comparison:
    """What there is to report on some runs.

    Args:
        runs: all runs, those of one arm next to each other.
        arms: the comparable runs by arm.
        differences: from each arm to each later one.
        headline: the most important sentence.
        findings: what the runs show.
        warnings: what else may explain a difference.
        tables: the table of runs; for repeated runs also their estimates and differences.
        gate: how the runs compare with a baseline; None without one.
    """

    runs: tuple[Run, ...]
    arms: tuple[Arm, ...]
    differences: tuple[ArmDifference, ...]
    headline: str
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    gate: BaselineGate | None = None


def compare_runs(records: Iterable[RunRecord], gate: BaselineGate | None = None) -> Comparison:
    """Compare the runs of these records, at least one; ``gate`` is their comparison with a baseline."""
    runs = runs_of(records)
    arms = arms_of([run for run in runs if run.is_comparable])
    differences = differences_between(arms)
    findings = findings_of(runs, arms, differences)
    headline = headline_of(runs, findings, differences)
    warnings = [Finding(FindingKind.WARNING, text) for text in _warnings(arms_of(runs))]
    if gate:
        judged = _against_baseline(gate)
        findings = [*(each for each in judged if each.kind is FindingKind.BASELINE), *findings]
        warnings += [each for each in judged if each.kind is FindingKind.WARNING]
        headline = next((each.text for each in judged if gate.has(GateResult.WORSE)), headline)
    return Comparison(
        runs=tuple(runs),
        arms=tuple(arms),
        differences=tuple(differences),
        headline=headline,
        findings=tuple(findings),
        warnings=tuple(warnings),
        tables=tuple(tables_of(runs, arms, differences)),
        gate=gate,
    )


def _against_baseline(gate: BaselineGate) -> list[Finding]:
    """A finding for each plan, those that got worse first; a warning where it cannot be told."""
    judged = sorted(gate.arms, key=lambda arm: arm.result is not GateResult.WORSE)
    kinds = {GateResult.CANNOT_TELL: FindingKind.WARNING}
    return [Finding(kinds.get(arm.result, FindingKind.BASELINE), arm.sentence(gate.baseline)) for arm in judged]


def _warnings(arms: Sequence[Arm]) -> Iterable[str]:
    """What differs between arms besides their profiles, and arms whose profiles have the same name but differ."""
    first, *others = arms
    arms_with: dict[Change, list[str]] = {}
    for arm in others:
        for change in changes(first.conditions, arm.conditions):
            if change.part in OUTSIDE_PROFILE:
                arms_with.setdefault(change, []).append(arm.label)
    if arms_with:
        each = "; ".join(
            f"{change.full_name} {change.before} in {first.label}, {change.after} in {', '.join(labels)}"
            for change, labels in arms_with.items()
        )
        yield f"Warning: the runs differ in more than their profiles, which may explain their differences: {each}."
    for before, after in combinations(arms, 2):
        if before.runs[0].record.name == after.runs[0].record.name:
            found = [each for each in changes(before.conditions, after.conditions) if each.part not in OUTSIDE_PROFILE]
            if found:
                each = ", ".join(f"{change.name} {change.before} and {change.after}" for change in found)
                yield f"Warning: {before.label} and {after.label} have the same name but different plans: {each}."
