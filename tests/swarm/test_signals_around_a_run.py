"""Signals before a run has begun and after it has ended, and what is left when a process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.swarm.locust_process import PATIENCE_S, TINY, records, running_locust
from tests.swarm.test_stop import LONG

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def lines_until(process: subprocess.Popen[str], text: str, *, stdout: bool = False) -> None:
    """Read what the process prints until a line has this text."""
    stream = process.stdout if stdout else process.stderr
    assert stream is not None
    for line in stream:
        if text in line:
            return
    raise AssertionError(f"the process ended without {text!r}")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_that_waits_for_workers_is_called_off(tmp_path: Path, number: signal.Signals) -> None:
    bound = ("--master-bind-host", "127.0.0.1", "--master-bind-port", str(unused_port()))
    options = ("--headless", "--master", "--expect-workers", "2", *bound)
    with running_locust(tmp_path, *options) as process:
        lines_until(process, "Waiting for workers to be ready")
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "stopped before the run began" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_after_the_record_is_written_changes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with running_locust(tmp_path, "--headless", "--html", "page.html", profile=TINY) as process:
        lines_until(process, "run record:", stdout=True)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "Traceback" not in said
    assert (tmp_path / "page.html").is_file()
    assert records(tmp_path)[0]["verdict"] == "passed"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_no_worker_is_left_when_the_process_that_forks_them_is_killed(tmp_path: Path) -> None:
    with running_locust(tmp_path, "--headless", "--processes", "2") as process:
        eventually(lambda: len(psutil.Process(process.pid).children()) >= 2)
        workers = psutil.Process(process.pid).children()
        process.kill()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        for each in alive:
            each.kill()
    assert alive == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_a_killed_comparison_stops_its_run(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    command = [sys.executable, "-m", "locust_softphone.cli", "compare", "long.yaml", "--runs", "runs"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as comparing:
        eventually(lambda: any(path.read_bytes().count(b"\n") > 1 for path in tmp_path.glob("runs/*/journal.jsonl")))
        run = psutil.Process(comparing.pid).children()
        comparing.kill()
        _, alive = psutil.wait_procs(run, timeout=PATIENCE_S)
        for each in alive:
            each.kill()
    assert alive == []
    assert records(tmp_path)[0]["times"]["ended"] == "stopped"
