"""A master of the web UI takes the next run, whatever its workers did in the one before."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from locust_softphone.commands.locust_process import unused_port
from tests.fleet.fleet_processes import FleetProcesses, a_fleet
from tests.swarm.locust_process import records
from tests.swarm.web_ui import WebUI

SHORT = """
name: short
users: 12
ramp: {rate: 10/s}
hold: 500ms
softphone: {like: recommended}
"""


@contextmanager
def with_page(folder: Path, profile: str = SHORT, workers: int = 3) -> Iterator[tuple[FleetProcesses, WebUI]]:
    """A fleet with a web UI in which nothing has run."""
    port = unused_port()
    options = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with a_fleet(folder, profile, *options, workers=workers, headless=False) as fleet:
        page = WebUI(port)
        fleet.await_(page.is_there, "the web UI")
        fleet.await_(lambda: page.live()["workers"] == workers, "the workers")
        yield fleet, page


def run_once(fleet: FleetProcesses, page: WebUI) -> None:
    """Start a run, and wait until its record is written and the next one may start."""
    before = len(records(fleet.folder, even_late=True))
    page.start("profile.yaml")
    fleet.await_(lambda: len(records(fleet.folder, even_late=True)) > before, "a record")
    fleet.await_(lambda: page.live()["phase"] == "idle", "the end of the run")


def test_workers_are_lost_and_join_in_every_phase_and_each_next_run_can_start(tmp_path: Path) -> None:
    with with_page(tmp_path) as (fleet, page):
        run_once(fleet, page)
        fleet.workers[0].kill()  # idle; the next run begins before the master can know
        run_once(fleet, page)
        fleet.await_(lambda: page.live()["workers"] == 2, "the loss")
        fleet.join()
        fleet.await_(lambda: page.live()["workers"] == 3, "the new worker")
        run_once(fleet, page)
        page.start("profile.yaml")
        fleet.await_(lambda: page.live()["phase"] == "running", "a run")
        fleet.workers[1].kill()  # during a run
        fleet.await_(lambda: page.live()["phase"] == "idle", "the end of the run")
        fleet.join()
        page.start("profile.yaml")
        fleet.await_(lambda: page.live()["phase"] == "stopping", "the end of the plan")
        fleet.workers[2].kill()  # while its run ends
        fleet.await_(lambda: page.live()["phase"] == "idle", "the end of the run")
        run_once(fleet, page)
        found = records(tmp_path, even_late=True)
    assert len(found) == 6
    for first_or_undisturbed in (found[0], found[2]):
        assert first_or_undisturbed["totals"]["started"] == 12
    assert found[3]["fleet"]["lost"] == 1
    assert all(each["totals"]["started"] <= 12 for each in found), "no softphone was started twice"


LONG = SHORT.replace("users: 12", "users: 100").replace("hold: 500ms", "hold: 2s")


def test_a_worker_that_stood_still_starts_nothing_that_others_have_taken_over(tmp_path: Path) -> None:
    with a_fleet(tmp_path, LONG, workers=2) as fleet:
        fleet.await_log("All users spawned")
        fleet.workers[0].send_signal(signal.SIGSTOP)
        fleet.await_log("it is lost")
        fleet.workers[0].send_signal(signal.SIGCONT)
        fleet.master.wait()
        (record,) = records(tmp_path, even_late=True)
    assert record["totals"]["started"] <= 100
    assert record["exit_code"] == 3
    assert "1 of 2 workers lost" in record["validity"]["reasons"][0]


def test_what_a_worker_measured_in_one_run_is_not_added_to_the_next(tmp_path: Path) -> None:
    with with_page(tmp_path, LONG, workers=2) as (fleet, page):
        page.start("profile.yaml")
        fleet.await_(lambda: page.live()["phase"] == "running", "a run")
        time.sleep(0.5)
        fleet.workers[0].send_signal(signal.SIGSTOP)
        fleet.await_log("it is lost")
        page.stop()
        fleet.await_(lambda: page.live()["phase"] == "idle", "the end of the run")
        page.start("profile.yaml")
        fleet.await_(lambda: page.live()["phase"] == "running", "the second run")
        fleet.workers[0].send_signal(signal.SIGCONT)
        fleet.await_(lambda: len(records(tmp_path, even_late=True)) == 2, "the second record")
        second = records(tmp_path, even_late=True)[1]
    assert second["totals"]["started"] == 100
    assert second["fleet"]["workers"] in (1, 2)
