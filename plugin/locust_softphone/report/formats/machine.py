"""A comparison as JSON, for programs: ``schemas/comparison.schema.json`` describes it.

runs           each run's figures by field, its expectations, its verdict
plans          the figures of all runs of one plan, with their 95 % intervals where it was run more than once
differences    from each plan to each later one: what was changed, by how much a figure moved, whether that is noise
findings       the sentences
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from locust_softphone.report.comparison import Arm, Run, arms_of, comparable, compared
from locust_softphone.report.conditions import differences
from locust_softphone.report.findings import findings
from locust_softphone.report.statistics import Estimate
from locust_softphone.report.tables import ESTIMATED

__all__ = ["SCHEMA_VERSION", "machine_readable"]

SCHEMA_VERSION = 1


def machine_readable(runs: Sequence[Run]) -> str:
    """The comparison as the text of a JSON file."""
    arms = arms_of(comparable(runs))
    content = {
        "schema_version": SCHEMA_VERSION,
        "runs": [_run(run) for run in runs],
        "plans": [_plan(arm) for arm in arms],
        "differences": [_difference(before, after) for before, after in combinations(arms, 2)],
        "findings": findings(runs),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _run(run: Run) -> dict[str, Any]:
    record = run.record
    return {
        "label": run.label,
        "run_id": record["run_id"],
        "profile": run.name,
        "target": record["target"]["url"],
        "simulated": record["target"]["simulated"],
        "began": record["times"]["planned_start"],
        "ended": record["times"]["end"],
        "verdict": run.verdict,
        "exit_code": run.exit_code,
        "aborted": record["aborted"],
        "expectations": record["expectations"],
        "remarks": list(run.remarks),
        "figures": dict(run.facts),
    }


def _plan(arm: Arm) -> dict[str, Any]:
    return {
        "label": arm.label,
        "runs": [run.record["run_id"] for run in arm.runs],
        "figures": {fact: _estimate(arm.estimate(fact)) for fact in ESTIMATED},
    }


def _difference(before: Arm, after: Arm) -> dict[str, Any]:
    changed = differences(before.conditions, after.conditions)
    moved = {fact: compared(fact, before, after) for fact in ESTIMATED}
    return {
        "from": before.label,
        "to": after.label,
        "changed": [{"part": each.part, "name": each.name, "from": each.before, "to": each.after} for each in changed],
        "figures": {
            fact: estimate and {**(_estimate(estimate) or {}), "noise": estimate.in_the_noise}
            for fact, estimate in moved.items()
        },
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high} if estimate else None
