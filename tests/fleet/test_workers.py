"""One plan over many workers that join and leave during the run; all of them are real processes."""

from __future__ import annotations

import json
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.fleet.fleet_processes import a_fleet
from tests.swarm.locust_process import PATIENCE_S, records

RAMP = """
name: fleet
users: 61
ramp: {rate: 10/s}
hold: 1s
softphone: {like: recommended}
"""
BURST = """
name: burst
users: 41
ramp: 0s
hold: 500ms
softphone: {like: recommended}
expect: [answered == 100%]
"""
BEGUN = "All users spawned"
LIBFAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
ONLY_THE_WALL_CLOCK = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}


def stop(page: str) -> None:
    """Press the button: a POST since Locust 2.47, a GET before."""
    for method in ("POST", "GET"):
        with suppress(HTTPError):
            urlopen(Request(f"{page}/stop", method=method), timeout=PATIENCE_S).close()
            return


def test_a_burst_over_four_workers_is_served_once_and_costs_one_token(tmp_path: Path) -> None:
    with a_fleet(tmp_path, BURST, workers=4) as fleet:
        record = fleet.record()
        assert fleet.master.returncode == 0, fleet.log()
    assert record["totals"]["started"] == record["totals"]["answered"] == record["start_lag_s"]["count"] == 41
    assert record["steps"]["token"]["attempts"] == record["edge"]["steps"]["token"]["requests"] == 1
    assert record["ledger"]["balanced"] is True
    assert [record["observations"][step]["count"] for step in ("token", "offer", "session")] == [1, 41, 41]
    assert record["fleet"]["workers"] == record["workers"] == 4
    assert record["fleet"]["message_delay_s"]["max"] > 0
    assert [log.name for log in tmp_path.glob("*.log") if "Bearer" in log.read_text()] == []


@pytest.mark.skipif(LIBFAKETIME is None, reason="no libfaketime, with which a worker's clock is another one")
def test_the_clocks_of_workers_do_not_matter(tmp_path: Path) -> None:
    """One is two hours ahead, one a day behind: starts, durations and times are those of the master."""
    with a_fleet(tmp_path, BURST, workers=0, master_expects=2) as fleet:
        for shift in ("+7200", "-86400"):
            fleet.join(environment={"LD_PRELOAD": str(LIBFAKETIME), "FAKETIME": shift, **ONLY_THE_WALL_CLOCK})
        record = fleet.record()
        assert fleet.master.returncode == 0, fleet.log()
    assert record["totals"]["started"] == record["totals"]["answered"] == 41
    assert record["ledger"]["balanced"] is True
    assert record["start_lag_s"]["max"] < 3600
    first, last = (datetime.fromisoformat(record["times"][each]) for each in ("actual_start", "end"))
    assert 0 <= (last - first).total_seconds() < 3600
    assert abs((first - datetime.now(UTC)).total_seconds()) < 3600


def test_a_worker_that_joins_late_takes_over_part_of_the_remaining_starts(tmp_path: Path) -> None:
    with a_fleet(tmp_path, RAMP, workers=2) as fleet:
        fleet.await_log(BEGUN)
        fleet.join()
        record = fleet.record()
        assert fleet.master.returncode == 0, fleet.log()
        assert "joins late and serves" in fleet.log()
    assert record["totals"]["started"] == record["totals"]["answered"] == 61
    assert record["fleet"]["workers"] == 3
    assert record["ledger"]["balanced"] is True


def test_the_remaining_slots_of_a_killed_worker_are_taken_over(tmp_path: Path) -> None:
    with a_fleet(tmp_path, RAMP, workers=3) as fleet:
        fleet.await_log(BEGUN)
        fleet.workers[0].kill()
        record = fleet.record()
        assert fleet.master.returncode == 3, fleet.log()
    assert record["fleet"]["lost"] == 1
    assert record["fleet"]["starts_taken_over"] > 0
    two_thirds = 61 - 21
    assert two_thirds + record["fleet"]["starts_taken_over"] <= record["totals"]["started"] <= 61
    assert "1 of 3 workers lost" in record["validity"]["reasons"][0]


def test_a_worker_that_gets_sigterm_reports_its_measurements(tmp_path: Path) -> None:
    with a_fleet(tmp_path, RAMP, workers=3) as fleet:
        fleet.await_log(BEGUN)
        fleet.workers[0].send_signal(signal.SIGTERM)
        record = fleet.record()
        assert fleet.master.returncode == 3, fleet.log()
    assert record["fleet"]["lost"] == 1
    assert record["ledger"]["balanced"] is True


def test_workers_hang_up_when_the_master_is_gone(tmp_path: Path) -> None:
    with a_fleet(tmp_path, RAMP.replace("hold: 1s", "hold: 5m"), workers=2) as fleet:
        fleet.await_log(BEGUN)
        fleet.master.kill()
        for number, worker in enumerate(fleet.workers):
            assert worker.wait(PATIENCE_S) == 3
            assert "the master has been silent" in fleet.log(f"worker-{number}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_lost_when_the_master_gets_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with a_fleet(tmp_path, BURST.replace("hold: 500ms", "hold: 5m"), workers=2) as fleet:
        fleet.await_log(BEGUN)
        fleet.master.send_signal(number)
        record = fleet.record()
        assert fleet.master.returncode == 3, fleet.log()
    assert record["times"]["ended"] == "stopped"
    assert record["ledger"]["balanced"] is True
    assert record["edge"]["sessions"]["total"] == sum(record["closes"].values())


def test_nothing_is_lost_when_hanging_up_takes_seconds(tmp_path: Path) -> None:
    """The edge is suspended while all hang up: no close frame comes, but all measurements do."""
    with a_fleet(tmp_path, BURST.replace("hold: 500ms", "hold: 4s"), workers=2) as fleet:
        fleet.await_log(BEGUN)
        (edge,) = [each for each in psutil.Process(fleet.master.pid).children() if "edge" in each.cmdline()]
        fleet.await_(lambda: len(edge.net_connections("tcp")) > 41, "41 sessions at the edge")
        edge.suspend()
        fleet.await_log("Shape test stopping")
        edge.resume()
        record = fleet.record()
    assert record["totals"]["started"] == 41
    assert record["ledger"]["balanced"] is True
    assert record["validity"]["reasons"] == []


def test_a_run_time_ends_the_run_although_locust_ignores_it_with_a_shape(tmp_path: Path) -> None:
    with a_fleet(tmp_path, BURST.replace("hold: 500ms", "hold: 5m"), "--run-time", "2s", workers=2) as fleet:
        record = fleet.record()
        assert fleet.master.returncode == 3, fleet.log()
    assert record["times"]["ended"] == "stopped"
    assert record["totals"]["answered"] == 41
    assert record["ledger"]["balanced"] is True


OTHER_VERSION = """
import locust_softphone

locust_softphone.__version__ = "9.9.9"

from locust import events
from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape):
    pass


class Softphone(SoftphoneUser):
    pass
"""


def test_a_worker_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(OTHER_VERSION)
    with a_fleet(tmp_path, BURST, workers=1, locustfile=tmp_path / "other.py") as fleet:
        assert fleet.master.wait(PATIENCE_S) == 2
        (complaint,) = {line.split(": ", 1)[1] for line in fleet.log().splitlines() if "9.9.9" in line}
    assert complaint.endswith("has locust-softphone 9.9.9, the master 0.1.0: install the same on both")
    assert not list(tmp_path.glob("runs/*/run.json"))


def calls_set_up(page: str) -> int:
    with urlopen(f"{page}/stats/requests", timeout=PATIENCE_S) as answer:
        rows = json.load(answer)["stats"]
    return sum(row["num_requests"] for row in rows if row["name"] == "call setup")


def test_nothing_is_lost_when_the_web_ui_stops_the_run(tmp_path: Path) -> None:
    port = unused_port()
    page = f"http://127.0.0.1:{port}"
    web = ("--autostart", "--web-host", "127.0.0.1", "--web-port", str(port))
    with a_fleet(tmp_path, BURST.replace("hold: 500ms", "hold: 5m"), *web, workers=2, headless=False) as fleet:
        fleet.await_log(BEGUN)
        fleet.await_(lambda: calls_set_up(page) == 41, "41 calls in Locust's statistics")
        stop(page)
        fleet.await_(lambda: list(tmp_path.glob("runs/*/run.json")), "the run record")
        (record,) = records(tmp_path)
    assert record["times"]["ended"] == "stopped"
    assert record["totals"]["started"] == record["totals"]["answered"] == 41
    assert record["ledger"]["balanced"] is True
    assert record["edge"]["closes"] == record["closes"] == {"1000": 41}


HELD_BACK = """
name: held-back
users: 20
ramp: 2s
hold: 8s
softphone: {like: recommended, retry: {scope: fleet, pace: 4/s, remaining: ignore}}
expect: [answered == 100%]
"""


def test_a_429_to_one_worker_holds_back_the_whole_fleet(tmp_path: Path) -> None:
    """Twice as many come as are admitted: without the shared backoff 12 to 14 are refused, with it one."""
    (tmp_path / "policy.yaml").write_text("limits: {handshake: {rate: 5/s, burst: 2}}")
    with a_fleet(tmp_path, HELD_BACK, "--softphone-policy", "policy.yaml", workers=2) as fleet:
        record = fleet.record()
        assert fleet.master.returncode == 0, fleet.log()
    assert record["totals"]["answered"] == 20
    assert 1 <= record["rate_limited"]["handshake"] <= 6
    assert record["retries"]["too_early"] == 0
