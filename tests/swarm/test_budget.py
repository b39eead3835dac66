"""The retry budget of a whole fleet: real processes against an edge that refuses nearly everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.swarm.locust_process import run_locust

PLANNED, BUDGET = 1 + 6 + 6, 4
HASTY = f"""
name: hasty
users: 6
ramp: 0s
hold: 2s
softphone:
  token: shared
  retry: {{max_retries: 1000, initial: 0s, retry_after: ignore, remaining: ignore, budget: {BUDGET}}}
expect: [retries.over_budget > 0]
"""


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["alone", "two workers"])
def test_a_run_keeps_to_its_retry_budget_and_reports_it(tmp_path: Path, processes: tuple[str, ...]) -> None:
    (tmp_path / "policy.yaml").write_text("{limits: {handshake: {rate: 1/min, burst: 1}}, max_early_retries: 1000000}")
    run = run_locust(tmp_path, *processes, "--softphone-policy", "policy.yaml", profile=HASTY)
    assert run.returncode == 0, run.stdout + run.stderr
    record = run.record
    attempts = sum(record["steps"][step]["attempts"] for step in ("token", "handshake", "offer"))
    assert PLANNED < attempts <= BUDGET * PLANNED
    assert record["retries"]["over_budget"] >= 5, "each softphone that never connected gave up because of it"
    assert record["totals"]["gave_up"] == 5
    assert f"retry budget of {BUDGET} times the plan used up" in run.stdout
    assert "AttemptFailed(over_budget)" in run.stderr
    assert record["ledger"]["balanced"]
