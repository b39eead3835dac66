"""A comparison as JSON, for programs: ``schemas/comparison.schema.json`` describes it.

runs           each run's metrics by name, its outcome, its expectations
plans          each arm's metrics, with their 95 % intervals where it has more than one run
differences    from each arm to each later one: what changed, how much each metric moved, whether that is noise
baseline       each plan against a baseline: worse, not worse, or cannot tell; null without one
findings       the sentences
"""

from __future__ import annotations

import json
from typing import Any

from locust_softphone.metrics.run_outcome import RunOutcome
from locust_softphone.report.arms import Arm, Run
from locust_softphone.report.baseline_gate import BaselineGate
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.differences import ArmDifference
from locust_softphone.report.drop_texts import drop_sentences
from locust_softphone.report.judgement import judgement_of
from locust_softphone.report.limit_texts import LimitText, limit_texts, limits_by_step
from locust_softphone.report.statistics import Estimate
from locust_softphone.runs.limit_parts import StepLimit

__all__ = ["SCHEMA_VERSION", "machine_readable"]

SCHEMA_VERSION = 1


def machine_readable(comparison: Comparison) -> str:
    """The comparison as the text of a JSON file."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "runs": [_run(run) for run in comparison.runs],
        "plans": [_plan(arm) for arm in comparison.arms],
        "differences": [_difference(each) for each in comparison.differences],
        "baseline": comparison.gate and _gate(comparison.gate),
        "findings": [finding.text for finding in (*comparison.findings, *comparison.warnings)],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _gate(gate: BaselineGate) -> dict[str, Any]:
    return {
        "name": gate.baseline,
        "plans": [
            {
                "label": arm.label,
                "result": arm.result.value,
                "text": arm.sentence(gate.baseline),
                "metrics": {each.metric: {"result": each.result.value, "text": each.text} for each in arm.metrics},
            }
            for arm in gate.arms
        ],
    }


def _run(run: Run) -> dict[str, Any]:
    record = run.record
    return {
        "label": run.label,
        "run_id": record.run_id,
        "profile": record.name,
        "target": record.target.url,
        "simulated": record.target.simulated,
        "began": record.times.planned_start,
        "ended": record.times.end,
        "outcome": _outcome(record.outcome),
        "judgement": judgement_of(record).text,
        "verdict": record.verdict,
        "exit_code": record.exit_code,
        "aborted": record.aborted and record.aborted.model_dump(),
        "expectations": [each.model_dump() for each in record.expectations],
        "remarks": list(run.remarks),
        "figures": dict(run.metrics),
        "limits": [_limit(*each) for each in zip(limits_by_step(record), limit_texts(record), strict=True)],
        "drops": record.drops and {**record.drops.model_dump(mode="json"), "sentences": list(drop_sentences(record))},
    }


def _limit(limit: StepLimit, text: LimitText) -> dict[str, Any]:
    """One limit as the record has it, with its sentences."""
    return {**limit.model_dump(mode="json"), "sentences": [text.answer, *text.ruled_out, *text.notes]}


def _outcome(outcome: RunOutcome) -> dict[str, Any]:
    return {
        "text": str(outcome),
        "level": outcome.level.value,
        "causes": [{"count": each.count, "text": f"{each.noun}s {each.text}"} for each in outcome.causes],
    }


def _plan(arm: Arm) -> dict[str, Any]:
    return {
        "label": arm.label,
        "runs": [run.record.run_id for run in arm.runs],
        "figures": {metric: estimate and _estimate(estimate) for metric, estimate in arm.estimates.items()},
    }


def _difference(difference: ArmDifference) -> dict[str, Any]:
    return {
        "from": difference.before.label,
        "to": difference.after.label,
        "changed": [
            {"part": each.part, "name": each.name, "from": each.before, "to": each.after} for each in difference.changed
        ],
        "figures": {
            metric: estimate and {**_estimate(estimate), "noise": _is_noise(difference, metric)}
            for metric, estimate in difference.metrics.items()
        },
    }


def _is_noise(difference: ArmDifference, metric: str) -> bool | None:
    is_significant = difference.is_significant(metric)
    return None if is_significant is None else not is_significant


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
