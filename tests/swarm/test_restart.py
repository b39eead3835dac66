"""An edge that is killed during a run, and started again on the same port."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.edge_process import EdgeProcess
from tests.swarm.locust_process import Finished, running_locust

PATIENCE_S = 60.0  # a bound for a test that has gone wrong
PROFILE = """
name: restarted
users: 20
ramp: 0s
hold: 8s
softphone: {like: recommended, retry: {max_retries: 20, max_wait: 500ms}}
expect: [answered == 100%]
"""


@contextmanager
def an_edge(port: int = 0) -> Iterator[EdgeProcess]:
    """A real edge on this port, until it is killed or the block ends."""
    command = [sys.executable, "-m", "locust_softphone.cli", "edge", "--port", str(port), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield EdgeProcess(process.stdout.readline().split()[-1], process)
        finally:
            process.kill()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_all_softphones_reconnect_and_the_run_is_invalid_because_the_edge_restarted(tmp_path: Path) -> None:
    with an_edge() as first:
        options = ("--headless", "--host", first.url)
        with running_locust(tmp_path, *options, profile=PROFILE) as process:
            wait_until(lambda: first.stats()["sessions"]["answered"] == 20)
            first.process.kill()
            first.process.wait()
            with an_edge(first.address[1]) as second:
                wait_until(lambda: second.stats()["sessions"]["answered"] == 20)
                stdout, stderr = process.communicate(timeout=PATIENCE_S)
    run = Finished(tmp_path, process.returncode, stdout, stderr)
    assert run.returncode == 3
    assert run.record["validity"]["reasons"] == ["the edge was restarted during the run, and its counters with it"]
    assert (run.record["edge"], run.record["ledger"]) == (None, None)
    assert run.record["totals"]["answered"] == 20
    assert run.record["reconnects"] == {"made": 20, "failed": 0}
    dropped = run.record["abnormal_closes"]
    assert dropped["lost"] + dropped["reset"] >= 20
    assert run.record["closes"]["1000"] == 20
