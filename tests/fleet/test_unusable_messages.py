"""A message that cannot be used costs the worker that sent it, never the master or the figures of the run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import zmq

from tests.fleet.fleet_processes import a_fleet
from tests.fleet.test_workers import BEGUN, RAMP

BROKEN = """
from locust import events
from locust_softphone import ProfileShape, SoftphoneUser, install
from locust_softphone.swarm.cluster.worker import Worker

install(events)
Worker._tally = lambda worker: {"until_s": 1.0, "tally": {"counts": {"answered": -5}}}


class Shape(ProfileShape):
    pass


class Softphone(SoftphoneUser):
    pass
"""


def test_a_worker_whose_reports_are_wrong_is_lost_and_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    with a_fleet(tmp_path, RAMP, workers=1, master_expects=2) as fleet:
        fleet.join(tmp_path / "broken.py")
        record = fleet.record()
        assert fleet.master.returncode == 3
        assert "sent an unusable message (softphone_tally, tally.counts.answered" in fleet.log()
    assert record["fleet"]["lost"] == 1
    assert record["totals"]["answered"] == record["totals"]["started"] > 0


def test_a_master_hears_its_workers_after_messages_that_nobody_can_read(tmp_path: Path) -> None:
    with a_fleet(tmp_path, RAMP, workers=1) as fleet:
        fleet.await_log(BEGUN)
        with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
            stranger.setsockopt(zmq.IDENTITY, b"stranger")
            stranger.connect(f"tcp://127.0.0.1:{fleet.port}")
            for unreadable in (b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x91" * 5000, b"", b"\x93\x01\x02\x03"):
                stranger.send(unreadable)
            stranger.send(b"\x93\xa9heartbeat\xc0\xa8stranger")  # a message of Locust's without data
            fleet.await_log("that is not one of Locust's was ignored")
        record = fleet.record()
        assert fleet.master.returncode == 0, fleet.log()
    assert record["totals"]["answered"] == 61
    assert record["ledger"]["balanced"] is True


def test_a_worker_that_joins_when_no_start_is_left_does_not_delay_the_end(tmp_path: Path) -> None:
    with a_fleet(tmp_path, RAMP.replace("users: 61", "users: 11").replace("hold: 1s", "hold: 8s"), workers=1) as fleet:
        fleet.await_log(BEGUN)
        fleet.join()
        record = fleet.record()
        assert fleet.log().count("reported as ready") >= 2, "it joined in time"
        assert fleet.master.returncode == 0, fleet.log()
    assert record["fleet"]["workers"] == 1
    assert record["times"]["ended"] == "plan over"
    began, ended = (datetime.fromisoformat(record["times"][each]) for each in ("planned_start", "end"))
    assert (ended - began).total_seconds() < 9 + 10, "a worker that does not report is waited for 15 s"
