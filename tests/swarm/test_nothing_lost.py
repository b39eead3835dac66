"""Measurements survive kill -9, a full disk, a closed terminal or pipe, and a wall clock that is set."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from locust_softphone.commands.locust_process import unused_port
from locust_softphone.runs.journal import is_left_behind
from tests.edge.softphone import eventually
from tests.edge_process import EdgeProcess, running_edge
from tests.fleet.fleet_processes import a_fleet
from tests.swarm.locust_process import PATIENCE_S, TINY, TooBusy, records, run_locust, running_locust
from tests.swarm.test_stop import LONG, answered_at
from tests.swarm.web_ui import WebUI

LIBFAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def journals(folder: Path) -> list[Path]:
    return list(folder.glob("runs/*/journal.jsonl"))


def has_seconds(folder: Path, count: int) -> bool:
    """Whether the run's journal has more than ``count`` lines."""
    return any(len(path.read_bytes().splitlines()) > count for path in journals(folder))


def report(folder: Path) -> tuple[int, dict[str, Any]]:
    """``locust-softphone report runs``: its exit code, and the record that is there afterwards."""
    command = [sys.executable, "-m", "locust_softphone.cli", "report", "runs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.stderr == ""
    (record,) = records(folder)
    return done.returncode, record


# kill -9


def test_a_run_that_is_killed_is_recovered_up_to_the_last_second(tmp_path: Path) -> None:
    with running_edge() as edge:
        with running_locust(tmp_path, "--headless", "--host", edge.url, profile=LONG) as process:
            eventually(lambda: edge.stats()["sessions"]["answered"] == 4)
            (journal,) = journals(tmp_path)
            seen = len(journal.read_bytes().splitlines())
            eventually(lambda: has_seconds(tmp_path, seen + 1))
            assert not is_left_behind(journal.parent), "the run goes on"
            process.kill()
            process.wait()
        assert records(tmp_path) == []
        exit_code, record = report(tmp_path)
        assert exit_code == 3
        assert record["validity"]["reasons"][0].startswith("the run was killed; recovered up to second ")
        assert record["totals"]["answered"] == 4
        offers = edge.stats()["steps"]["offer"]["requests"]
        assert record["steps"]["offer"]["attempts"] == record["steps"]["offer"]["response_s"]["count"] == offers
        assert journals(tmp_path) == []


def test_the_run_of_a_killed_master_is_recovered(tmp_path: Path) -> None:
    with a_fleet(tmp_path, LONG, workers=2) as fleet:
        fleet.await_log("All users spawned")
        fleet.await_(lambda: b"calls.answered" in b"".join(path.read_bytes() for path in journals(tmp_path)), "a call")
        seconds = len(journals(tmp_path)[0].read_bytes().splitlines())
        fleet.await_(lambda: has_seconds(tmp_path, seconds + 3), "a report of all workers")
        fleet.master.kill()
        fleet.master.wait()
    exit_code, record = report(tmp_path)
    assert exit_code == 3
    assert (record["workers"], record["totals"]["answered"]) == (2, 4)


def test_a_finished_run_leaves_no_journal(tmp_path: Path) -> None:
    assert run_locust(tmp_path).returncode == 0
    assert [path.name for path in tmp_path.glob("runs/*/*")] == ["run.json"]


# Disks

mounts = pytest.mark.skipif(
    os.getuid() != 0
    or not shutil.which("unshare")
    or subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0,
    reason="file systems cannot be mounted here",
)


@contextmanager
def a_disk(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of its own at ``folder``."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@mounts
def test_a_record_that_does_not_fit_on_a_full_disk_is_written_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with a_disk(tmp_path / "runs", "size=256k") as disk:
        environment = {"TMPDIR": str(tmp_path / "elsewhere")}
        with running_locust(tmp_path, "--headless", profile=LONG, environment=environment) as process:
            eventually(lambda: has_seconds(tmp_path, 1))
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while filler.write(b"x" * 4096):
                    pass
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 2
        assert "the run record cannot be written (No space left on device)" in said
    assert "Traceback" not in said
    (instead,) = tmp_path.glob("elsewhere/softphone-*/*/run.json")
    assert f"it is in {instead} instead" in said


@mounts
def test_the_journal_goes_on_when_a_full_disk_has_space_again(tmp_path: Path) -> None:
    with (
        a_disk(tmp_path / "runs", "size=64k") as disk,
        running_locust(tmp_path, "--headless", profile=LONG) as process,
    ):
        eventually(lambda: has_seconds(tmp_path, 1))
        with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x"):
                pass
        said = process.stderr
        assert said is not None
        eventually(lambda: "No space left on device: if this run is killed now" in said.readline())
        seconds = len(journals(tmp_path)[0].read_bytes().splitlines())
        (disk / "filler").unlink()
        eventually(lambda: has_seconds(tmp_path, seconds))
        process.kill()
        process.wait()
        exit_code, record = report(tmp_path)
        assert (exit_code, record["totals"]["answered"]) == (3, 4)


@mounts
def test_a_read_only_runs_folder_is_refused_before_the_run(tmp_path: Path) -> None:
    with a_disk(tmp_path / "runs", "ro"):
        run = run_locust(tmp_path)
    assert run.returncode == 2
    assert run.complaints == ["--softphone-runs runs: cannot be written to (Read-only file system)"]


# Signals, terminals, pipes


def whole(folder: Path) -> dict[str, Any]:
    """The record of a run that was stopped after all calls were answered.

    Raises:
        TooBusy: a softphone had not hung up within the second that it has.
    """
    (record,) = records(folder)
    assert record["times"]["ended"] == "stopped"
    if record["cut_off"]:
        raise TooBusy(f"{record['cut_off']} of 4 softphones could not hang up in time")
    assert (record["totals"]["answered"], record["closes"]) == (4, {"1000": 4})
    assert record["ledger"]["balanced"] is True
    return record


@contextmanager
def long_run(folder: Path, edge: EdgeProcess, *options: str, **others: Any) -> Iterator[subprocess.Popen[str]]:
    """A run in which all calls are answered."""
    with running_locust(folder, *options, "--host", edge.url, profile=LONG, **others) as process:
        eventually(lambda: edge.stats()["sessions"]["answered"] == 4)
        yield process


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_changes_nothing(tmp_path: Path, second: signal.Signals) -> None:
    with running_edge() as edge, long_run(tmp_path, edge, "--headless") as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(second)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "Traceback" not in said
    whole(tmp_path)


def test_a_closed_terminal_ends_the_run_in_order(tmp_path: Path) -> None:
    """The kernel sends SIGHUP, and printing fails from then on."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    terminal = ["sh", "-c", f'exec setsid --ctty --wait "$@" <>{os.ttyname(theirs)} >&0 2>&0', "sh"]
    with running_edge() as edge, long_run(tmp_path, edge, "--headless", under=terminal) as process:
        os.close(theirs)
        os.close(ours)
        process.communicate(timeout=PATIENCE_S)
    whole(tmp_path)


def test_under_nohup_a_closed_terminal_changes_nothing(tmp_path: Path) -> None:
    with running_edge() as edge, running_locust(tmp_path, "--headless", "--host", edge.url, under=["nohup"]) as process:
        eventually(lambda: edge.stats()["steps"]["handshake"]["requests"] > 0)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert records(tmp_path)[0]["verdict"] == "passed"


def test_a_broken_output_pipe_does_not_lose_the_record(tmp_path: Path) -> None:
    with running_edge() as edge, long_run(tmp_path, edge, "--headless") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_web_ui_during_a_run_saves_the_record(tmp_path: Path, number: signal.Signals) -> None:
    port = unused_port()
    with running_locust(tmp_path, "--web-host", "127.0.0.1", "--web-port", str(port), profile=LONG) as process:
        web = WebUI(port)
        eventually(web.is_there)
        web.post(softphone_profile="tiny.yaml")
        eventually(lambda: has_seconds(tmp_path, 1))
        (edge,) = [each for each in psutil.Process(process.pid).children() if "edge" in each.cmdline()]
        eventually(lambda: answered_at(edge) == 4)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_S)
    whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_master_and_workers_at_once_loses_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """A terminal signals all its processes at once: the master and the workers."""
    with (
        running_edge() as edge,
        long_run(tmp_path, edge, "--headless", "--processes", "2", under=["setsid"]) as process,
    ):
        os.killpg(process.pid, number)
        process.communicate(timeout=PATIENCE_S)
    assert whole(tmp_path)["workers"] == 2


# Clocks


@pytest.mark.skipif(LIBFAKETIME is None, reason="needs libfaketime")
@pytest.mark.parametrize("set_by", ["+1d", "-1d"])
def test_setting_the_wall_clock_during_a_run_changes_nothing(tmp_path: Path, set_by: str) -> None:
    """All processes see the wall clock jump; durations, order and end still follow the plan."""
    (tmp_path / "clock").write_text("+0")
    shifted = {
        "LD_PRELOAD": str(LIBFAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
    profile = TINY.replace("ramp: 50ms", "ramp: 4s").replace("hold: 500ms", "hold: 1s")
    options = ("--headless", "--processes", "2")
    with (
        running_edge() as edge,
        running_locust(tmp_path, *options, "--host", edge.url, profile=profile, environment=shifted) as process,
    ):
        eventually(lambda: edge.stats()["sessions"]["answered"] > 0)
        (tmp_path / "clock").write_text(set_by)
        _, said = process.communicate(timeout=PATIENCE_S)
    (record,) = records(tmp_path)
    assert (process.returncode, record["verdict"]) == (0, "passed"), said
    assert record["start_lag_s"]["max"] < 3600
    assert record["times"]["planned_start"] <= record["times"]["actual_start"] < record["times"]["end"]
    assert len(record["timeline"]) < 60
