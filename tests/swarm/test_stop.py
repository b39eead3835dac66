"""A run that is stopped by a signal: all softphones hang up, the measurements are kept, no process is left."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, TINY, edge_of, records, running_locust

LONG = TINY.replace("hold: 500ms", "hold: 10m")


def counted_by(edge: psutil.Process) -> dict[str, Any] | None:
    """The counters of an edge whose port is found by its process; None while it does not listen yet."""
    listening = [each.laddr.port for each in edge.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    if not listening:
        return None
    with urllib.request.urlopen(f"http://127.0.0.1:{listening[0]}/stats", timeout=20) as response:
        counters: dict[str, Any] = json.load(response)
        return counters


def answered_at(edge: psutil.Process) -> int:
    """How many sessions it has answered."""
    counters = counted_by(edge)
    return counters["sessions"]["answered"] if counters else 0


def refused_by(edge: psutil.Process) -> int:
    """How many offers it has refused."""
    counters = counted_by(edge)
    return sum(counters["steps"]["offer"]["refused"].values()) if counters else 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_run_stops_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with running_locust(tmp_path, "--headless", profile=LONG) as process:
        eventually(lambda: edge_of(process) is not None)
        edge = edge_of(process)
        assert edge is not None
        eventually(lambda: answered_at(edge) == 4)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert not psutil.pid_exists(edge.pid)
    assert "Traceback" not in stderr
    (record,) = records(tmp_path)
    assert record["times"]["ended"] == "stopped"
    assert record["verdict"] == "invalid"
    assert "the run was stopped before its plan was over" in record["validity"]["reasons"]
    assert record["totals"]["answered"] == 4
    assert record["closes"] == {"1000": 4}
    assert record["ledger"]["balanced"] is True
    assert "not valid" in stdout


def test_a_signal_while_requests_are_in_flight_leaves_a_balanced_ledger(tmp_path: Path) -> None:
    """Half of the plan is still to come, and the softphones that have started are refused and retry all the time."""
    hasty = """
name: tiny
users: 60
ramp: {stages: [{to: 30}, {to: 60, over: 10m}]}
softphone: {like: sdk-2.1.0, ready: wait, retry: {max_retries: 1000, initial: 50ms, max_wait: 50ms}}
"""
    (tmp_path / "policy.yaml").write_text("{limits: {offer: {rate: 1/min, burst: 1}}, max_early_retries: 1000000}")
    with running_locust(tmp_path, "--headless", "--softphone-policy", "policy.yaml", profile=hasty) as process:
        eventually(lambda: edge_of(process) is not None)
        edge = edge_of(process)
        assert edge is not None
        eventually(lambda: answered_at(edge) == 1 and refused_by(edge) >= 30)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    (record,) = records(tmp_path)
    assert record["totals"]["planned"] == 60
    assert record["totals"]["started"] < 60
    assert record["rate_limited"]["offer"] > 0
    assert record["ledger"]["problems"] == []


def test_a_signal_before_the_plan_begins_exits_with_3(tmp_path: Path) -> None:
    with running_locust(tmp_path, "--headless", profile=LONG) as process:
        eventually(lambda: edge_of(process) is not None)
        edge = edge_of(process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert edge is not None
    eventually(lambda: not psutil.pid_exists(edge.pid))
    assert "Traceback" not in stderr
