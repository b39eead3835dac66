"""A generator that stood still: the run is not valid, and what happened meanwhile is not blamed on the edge."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, records, running_locust

HELD = """
name: tiny
users: 20
ramp: 100ms
hold: 8s
softphone: {like: recommended}
"""
STALL_S = 3.5


def test_one_long_stall_makes_a_run_not_valid(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("ping_every: 1s")
    options = ("--headless", "--softphone-policy", "policy.yaml")
    with running_locust(tmp_path, *options, profile=HELD) as process:
        eventually(lambda: any(file.read_text().count("\n") > 2 for file in tmp_path.glob("runs/*/journal.jsonl")))
        process.send_signal(signal.SIGSTOP)
        time.sleep(STALL_S)  # the stall is what is tested
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=PATIENCE_S)
    (record,) = records(tmp_path, even_late=True)
    assert process.returncode == 3
    assert record["dropped_in_stall"] > 0
    assert record["abnormal_closes"]["timed_out"] == 0
    assert record["ledger"]["balanced"]
    (reason,) = record["validity"]["reasons"]
    assert "its event loop was late for" in reason
    assert f"{record['dropped_in_stall']} WebSockets ended while it stood still" in reason
