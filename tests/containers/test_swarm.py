"""The swarm of docker-compose.yml in containers, and what becomes of a run when they are killed, paused or cut off.

Each fault comes in the middle of a run. Whatever happens, no softphone starts twice or late, and the run's ledger
balances or the run says why it does not.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.containers.engine import WORKERS, ComposeProject, compose_client, project
from tests.fleet.processes import CHECKOUT

LATEST_START_S = 2.0  # docs/distributed.md: a start that would come later does not happen


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeProject]:
    with project(tmp_path_factory.mktemp("checkout")) as up:
        yield up


def test_docker_compose_takes_the_file() -> None:
    command = [*compose_client(), "-f", str(CHECKOUT / "docker-compose.yml"), "--profile", "headless", "config"]
    shown = subprocess.run([*command, "--services"], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    assert sorted(shown.stdout.split()) == ["compare", "edge", "master", "prepare", "worker"]


def test_up_runs_the_profile_by_itself(swarm: ComposeProject) -> None:
    swarm.wait(lambda: swarm.records, "a record of the first run")
    record = swarm.records[0]
    assert (record["workers"], record["totals"]["answered"]) == (WORKERS, 10)
    assert record["ledger"]["balanced"] is True
    shown = [line.partition("run record: ")[2] for line in swarm.logs("master").splitlines() if "run record: " in line]
    assert [(swarm.folder / path).is_file() for path in shown] == [True]
    assert {path.stat().st_uid for path in swarm.folder.glob("runs/*")} == {1234}


def test_nothing_gets_out(swarm: ComposeProject) -> None:
    """Neither the load nor the master, whose web UI is published."""
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    for service in ("master", "worker", "edge"):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            swarm.docker("exec", swarm.container(service), "python", "-c", code)
        assert "timed out" in refused.value.stdout or "unreachable" in refused.value.stdout


def test_an_empty_host_is_refused_to_workers_in_other_containers(swarm: ComposeProject) -> None:
    bring_back(swarm)
    told = swarm.ui("swarm", b"softphone_profile=smoke&host=")
    assert told["success"] is False
    assert "3 of 3 workers are on other machines" in told["message"]


def kill_a_worker(swarm: ComposeProject) -> None:
    swarm.docker("kill", swarm.container("worker"))


def pause_a_worker(seconds: float) -> Callable[[ComposeProject], None]:
    def pause(swarm: ComposeProject) -> None:
        swarm.docker("pause", swarm.container("worker"))
        time.sleep(seconds)
        swarm.docker("unpause", swarm.container("worker"))

    return pause


def cut_a_worker(seconds: float) -> Callable[[ComposeProject], None]:
    def cut(swarm: ComposeProject) -> None:
        network, worker = f"{swarm.name}_swarm", swarm.container("worker")
        swarm.docker("network", "disconnect", network, worker)
        time.sleep(seconds)
        swarm.docker("network", "connect", network, worker)

    return cut


def restart_the_edge(swarm: ComposeProject) -> None:
    swarm.docker("restart", "--time", "0", swarm.container("edge"))


FAULTS: list[tuple[str, Callable[[ComposeProject], None], str]] = [
    ("a worker is killed", kill_a_worker, "1 of 3 workers lost"),
    ("a worker is paused for 3 s", pause_a_worker(3.0), "1 of 3 workers lost"),
    ("a worker is paused for 10 s", pause_a_worker(10.0), "1 of 3 workers lost"),
    ("a worker is cut off for 5 s", cut_a_worker(5.0), "1 of 3 workers lost"),
    ("the edge is restarted", restart_the_edge, "the edge was restarted|counters could not be read"),
]


@pytest.mark.parametrize(("fault", "due"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_in_the_middle_of_a_run(
    fault: Callable[[ComposeProject], None], due: str, swarm: ComposeProject
) -> None:
    before = bring_back(swarm)
    begin_and_wait(swarm)
    fault(swarm)
    swarm.wait(lambda: len(swarm.records) > before, "the run's record")
    record = swarm.records[-1]
    assert record["verdict"] == "invalid"
    assert re.search(due, " ".join(record["validity"]["reasons"]))
    check_starts(record)


def test_the_next_run_is_valid(swarm: ComposeProject) -> None:
    """After all that was done to its containers, by the faults above."""
    before = bring_back(swarm)
    swarm.begin("smoke")
    swarm.wait(lambda: len(swarm.records) > before, "the run's record")
    assert swarm.records[-1]["totals"]["answered"] == 10
    assert swarm.records[-1]["ledger"]["balanced"] is True


def test_the_master_is_killed_in_the_middle_of_a_run(swarm: ComposeProject) -> None:
    """What it had measured is in its journal; the workers hang up, and join the next master."""
    bring_back(swarm)
    begin_and_wait(swarm)
    swarm.docker("kill", swarm.container("master"))
    swarm.wait(lambda: "the master has been silent" in swarm.logs("worker"), "the workers' hanging up")
    (journal,) = max(swarm.folder.glob("runs/*-chaos")).iterdir()
    assert journal.stat().st_size > 0


def test_down_in_the_middle_of_a_run_leaves_its_record(swarm: ComposeProject) -> None:
    before = len(swarm.records)
    swarm.docker("start", swarm.container("master"))
    swarm.wait(lambda: len(swarm.records) > before, "the run that a master begins by itself")
    before = bring_back(swarm)
    begin_and_wait(swarm)
    swarm.compose("stop")
    assert len(swarm.records) == before + 1
    record = swarm.records[-1]
    assert (record["verdict"], record["times"]["ended"]) == ("invalid", "stopped")
    assert record["ledger"]["balanced"] is True
    assert "Traceback" not in swarm.logs()


def bring_back(swarm: ComposeProject) -> int:
    """Wait until everything is there again; returns how many records there are."""
    for number in range(1, WORKERS + 1):  # one that was killed by hand is not started again by the engine
        swarm.docker("start", swarm.container("worker", number))
    swarm.wait(lambda: swarm.is_healthy("edge"), "that the edge answers")
    swarm.wait(lambda: swarm.ready_workers == WORKERS, "that all workers are there")
    return len(swarm.records)


def begin_and_wait(swarm: ComposeProject) -> None:
    """Begin a run, and wait until its softphones start."""
    swarm.begin("chaos")
    swarm.wait(lambda: swarm.ui("stats/requests")["state"] == "running", "the run")
    swarm.wait(lambda: swarm.ui("stats/requests")["stats"][-1]["num_requests"] > 20, "the first starts")


def check_starts(record: dict[str, Any]) -> None:
    """No softphone starts twice or late."""
    assert record["totals"]["started"] <= record["totals"]["planned"]
    assert record["start_lag_s"]["max"] <= LATEST_START_S
