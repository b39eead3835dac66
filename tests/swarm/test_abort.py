"""``abort: true``: a run ends in order as soon as an expectation can no longer hold, and names the expectation."""

from __future__ import annotations

import signal
from pathlib import Path

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.fleet.fleet_processes import a_fleet
from tests.swarm.locust_process import PATIENCE_S, Finished, records, run_locust, running_locust
from tests.swarm.web_ui import WebUI

TEN_MINUTES = """
name: tiny
users: 600
ramp: 10m
hold: 1s
softphone: {like: sdk-2.3.1, retry: {max_retries: 0}}
expect:
- {expect: EXPECTED, abort: true}
- answered >= 99.5%
- pings_answered <= 5
"""
THREE_OFFERS = "{limits: {offer: {rate: 1/min, burst: 3}}}"


def a_run(folder: Path, expected: str, policy: str = "{}") -> Finished:
    (folder / "policy.yaml").write_text(policy)
    return run_locust(folder, "--softphone-policy", "policy.yaml", profile=TEN_MINUTES.replace("EXPECTED", expected))


def test_the_first_429_ends_a_run_that_expects_none(tmp_path: Path) -> None:
    run = a_run(tmp_path, "rate_limited == 0", THREE_OFFERS)
    assert run.returncode == 1
    record = run.record
    assert (record["verdict"], record["exit_code"], record["times"]["ended"]) == ("failed", 1, "aborted")
    assert record["aborted"]["by"] == "rate_limited == 0"
    assert record["validity"] == {"valid": True, "reasons": []}
    assert record["ledger"]["balanced"] is True
    assert record["rate_limited"]["offer"] >= 1
    assert record["totals"]["answered"] == 3
    assert record["totals"]["started"] < 600
    assert record["closes"]["1000"] >= 3, "all hung up in order"
    assert [each["held"] for each in record["expectations"]] == [False, None, None]
    assert "rate_limited == 0 could no longer hold" in run.stdout
    assert "? answered >= 99.5%: " in run.stdout
    assert " expectations failed" in run.stdout


def test_a_run_is_aborted_when_a_time_limit_has_passed(tmp_path: Path) -> None:
    run = a_run(tmp_path, "time_to_connected < 2s")
    assert run.returncode == 1
    assert run.record["aborted"]["by"] == "time_to_connected < 2s"
    assert run.record["aborted"]["after_s"] >= 2.0
    assert run.record["rate_limited"]["total"] == 0


def test_a_run_that_meets_its_expectations_is_not_aborted(tmp_path: Path) -> None:
    profile = TEN_MINUTES.replace("EXPECTED", "rate_limited == 0").replace("600", "5").replace("10m", "0s")
    run = run_locust(tmp_path, profile=profile)
    assert run.returncode == 0
    assert run.record["aborted"] is None
    assert run.record["times"]["ended"] == "plan over"


def test_a_cluster_is_aborted_by_the_sum_over_its_workers(tmp_path: Path) -> None:
    """Neither worker alone sees more than one 429 before both have seen one."""
    (tmp_path / "policy.yaml").write_text(THREE_OFFERS)
    profile = TEN_MINUTES.replace("EXPECTED", "rate_limited.offer <= 1")
    with a_fleet(tmp_path, profile, "--softphone-policy", "policy.yaml", workers=2) as fleet:
        record = fleet.record()
        assert fleet.master.returncode == 1, fleet.log()
        assert [worker.wait(PATIENCE_S) for worker in fleet.workers] == [0, 0]
    assert record["aborted"]["by"] == "rate_limited.offer <= 1"
    assert record["rate_limited"]["offer"] >= 2
    assert record["validity"] == {"valid": True, "reasons": []}
    assert record["ledger"]["balanced"] is True
    assert record["totals"]["started"] < 600


def test_the_web_ui_can_start_another_run_after_an_abort(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(THREE_OFFERS)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "tiny.yaml").write_text(TEN_MINUTES.replace("EXPECTED", "rate_limited == 0"))
    port = unused_port()
    options = ("--web-host", "127.0.0.1", "--web-port", str(port), "--softphone-policy", "policy.yaml")
    with running_locust(tmp_path, *options, profile=None) as process:
        web = WebUI(port)
        eventually(web.is_there)
        web.start("tiny")
        eventually(lambda: len(records(tmp_path)) == 1)
        web.start("tiny")
        eventually(lambda: len(records(tmp_path)) == 2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert [record["aborted"]["by"] for record in records(tmp_path)] == ["rate_limited == 0"] * 2
