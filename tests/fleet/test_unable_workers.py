"""Workers that cannot do their part: the run is refused, or its record says what they cannot do."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.edge.softphone import eventually
from tests.fleet.fleet_processes import a_fleet
from tests.fleet.processes import PATIENCE_S, Started, real, started
from tests.fleet.test_network import MASTER, NEAR, network, within

PROFILE = """
name: short
users: 30
ramp: 1s
hold: 1s
softphone: {like: recommended}
"""


@contextmanager
def a_master_and_a_worker_elsewhere(folder: Path, *options: str, edge: bool = False) -> Iterator[Started]:
    """Each in a network namespace of its own, with an edge on the master's loopback if there should be one."""
    (folder / "short.yaml").write_text(PROFILE)
    with network() as net, ExitStack() as stack:

        def run(name: str, namespace: str, *command: str) -> Started:
            return stack.enter_context(started(within(namespace, real(command)), folder=folder, name=name))

        master, near = net.host("master"), net.host("near")
        net.attach(master, MASTER)
        net.attach(near, NEAR)
        if edge:
            serving = run("edge", master, "locust-softphone", "edge")
            eventually(lambda: "listening on" in serving.output())
        leading = run(
            *("master", master, "locust", "--headless", "--master", "--expect-workers", "1", "--only-summary"),
            *("--softphone-profile", "short.yaml", *options),
        )
        run("worker", near, "locust", "--worker", "--master-host", MASTER)
        leading.process.wait(PATIENCE_S)
        yield leading


def test_an_edge_on_the_masters_loopback_is_refused_to_workers_elsewhere(tmp_path: Path) -> None:
    with a_master_and_a_worker_elsewhere(tmp_path) as master:
        assert master.process.returncode == 2, master.output()
    (line,) = (line for line in master.output().splitlines() if "--host: " in line)
    assert "1 of 1 workers are on other machines" in line
    assert "name it with --host" in line
    assert "Traceback" not in master.output()
    assert list(tmp_path.glob("runs/*/run.json")) == []


def test_the_record_says_which_edge_a_worker_cannot_reach(tmp_path: Path) -> None:
    with a_master_and_a_worker_elsewhere(tmp_path, "--host", "http://127.0.0.1:8080", edge=True) as master:
        assert master.process.returncode == 3, master.output()
    (record,) = (json.loads(path.read_text()) for path in tmp_path.glob("runs/*/run.json"))
    assert record["totals"]["started"] == 0
    assert [reason for reason in record["validity"]["reasons"] if "connect_refused" in reason] == [
        "1 of 1 workers: http://127.0.0.1:8080: connect_refused"
    ]


def test_the_record_says_that_a_worker_may_open_too_few_files(tmp_path: Path) -> None:
    with a_fleet(tmp_path, PROFILE.replace("30", "100"), workers=1, master_expects=2) as fleet:
        limited = fleet.join()
        resource.prlimit(limited.pid, resource.RLIMIT_NOFILE, (250, 250))
        record = fleet.record()
    (reason,) = (reason for reason in record["validity"]["reasons"] if "open files" in reason)
    assert reason.startswith("1 of 2 workers: 50 softphones need some 300 open files")
    assert "enough for 25" in reason
