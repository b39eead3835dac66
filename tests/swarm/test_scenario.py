"""Custom scenarios, bursts and several processes: each planned start happens once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.swarm.locust_process import TINY, run_locust

OWN = """
from pathlib import Path

from locust import events
from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape):
    pass


class ConsultingAgent(SoftphoneUser):
    def script(self, phone):
        with Path("started").open("a") as file:  # one write, so that lines of several processes are not mixed
            file.write(f"{phone.number}\\n")
        phone.call()
        phone.hold(0.1)
        phone.call()
        phone.hang_up()
"""


def started(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "started").read_text().split()]


BURST = """
name: burst
users: 100
ramp: {stages: [{to: 90}, {hold: 200ms}, {to: 100, over: 500ms}]}
hold: 500ms
softphone: {ready: wait, calls: {count: 2, every: 100ms}}
expect: [answered == 100%, start_lag.p99 < 60s]
"""


def test_a_burst_with_a_custom_script(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("limits: {offer: {rate: 1000/s, burst: 1000}}")
    run = run_locust(tmp_path, "--softphone-policy", "policy.yaml", profile=BURST, locustfile=OWN)
    assert run.returncode == 0, run.stdout
    assert sorted(started(tmp_path)) == list(range(100))
    assert started(tmp_path)[90:] == list(range(90, 100)), "in the order of the plan"
    assert run.record["totals"]["calls_answered"] == 200
    assert run.record["steps"]["offer"]["outcomes"] == {"ok": 200}
    assert run.record["steps"]["handshake"]["outcomes"] == {"ok": 100}
    assert run.record["closes"] == {"1000": 100}
    assert run.record["start_lag_s"]["count"] == 100
    assert run.record["start_lag_s"]["max"] > 0, "from the planned start, not from the script's first call"
    assert run.record["timeline"][0]["planned"] == 100


CONSULTING = """
name: consulting
users: 4
ramp: 50ms
hold: 500ms
allow_cut_short: ALLOWED
"""


@pytest.mark.parametrize(
    ("does", "allowed", "returncode"),
    [("phone.hold(5)", "false", 3), ("phone.hold(5)", "true", 0), ("gevent.sleep(60)", "false", 3)],
    ids=["longer than the plan", "allowed by the profile", "waits by itself"],
)
def test_a_script_that_was_cut_short_makes_a_run_not_valid(
    tmp_path: Path, does: str, allowed: str, returncode: int
) -> None:
    longer = "import gevent\n" + OWN.replace("phone.hold(0.1)", does)
    run = run_locust(tmp_path, profile=CONSULTING.replace("ALLOWED", allowed), locustfile=longer)
    assert run.returncode == returncode, run.stdout
    assert run.record["totals"]["scripts_cut_short"] == 4
    printed = " ".join(run.stdout.split())
    assert "4 scripts were cut short by the end of the run" in printed
    assert ("the scripts of 4 softphones had not finished when the plan was over" in printed) == (returncode == 3)


def test_two_worker_processes_share_one_plan(tmp_path: Path) -> None:
    longer = TINY.replace("users: 4", "users: 9").replace("hold: 500ms", "hold: 1s")
    run = run_locust(tmp_path, "--processes", "2", profile=longer, locustfile=OWN)
    assert run.returncode == 0, run.stdout + run.stderr
    assert sorted(started(tmp_path)) == list(range(9)), "each planned start once"
    assert run.record["workers"] == 2
    assert run.record["totals"]["started"] == run.record["totals"]["answered"] == 9
    assert run.record["steps"]["offer"]["outcomes"] == {"ok": 18}
    assert run.record["steps"]["token"]["outcomes"] == {"ok": 1}, "one for the whole fleet"
    assert run.record["start_lag_s"]["count"] == 9
    assert run.record["ledger"]["problems"] == []
    assert [row["attempts"] for row in run.record["ledger"]["rows"]] == [1, 9, 18]


def test_a_locustfile_without_install_exits_with_2_and_a_message(tmp_path: Path) -> None:
    run = run_locust(tmp_path, profile=None, locustfile=OWN.replace("install(events)\n", ""))
    assert run.returncode == 2
    assert run.complaints == ["call locust_softphone.install(events) at the top of the locustfile"]


def test_a_locustfile_without_install_and_shape_exits_with_2_and_a_message(tmp_path: Path) -> None:
    neither = OWN.replace("install(events)\n", "").replace("class Shape(ProfileShape)", "class NoShape")
    run = run_locust(tmp_path, "--users", "2", "--run-time", "1", profile=None, locustfile=neither)
    assert run.returncode == 2
    assert set(run.complaints) == {"call locust_softphone.install(events) at the top of the locustfile"}
