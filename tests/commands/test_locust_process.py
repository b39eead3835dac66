"""Locust processes: their environment, how they are stopped, and what is read from their logs."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from locust_softphone.commands import locust_process
from locust_softphone.commands.locust_process import (
    Interruptions,
    environment,
    error_lines,
    locust_command,
    packaged_locustfile,
    record_of,
    run,
    unused_port,
)

STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
print("ready", flush=True)
while True:
    time.sleep(0.05)  # not signal.pause(), which would sleep through a signal that came just before it
"""
POLITE = """
import time
try:
    print("ready", flush=True)
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    print("interrupted")
    raise SystemExit(7)
"""


def python(code: str, folder: Path, tick: Callable[[Interruptions], None] = lambda _: None) -> tuple[int, str]:
    """Run a program; ``tick`` may interrupt it."""
    stop = Interruptions()
    log = folder / "log"
    said: list[str] = []
    exit_code = run(
        [sys.executable, "-c", code],
        folder=folder,
        log=log,
        stop=stop,
        tick=lambda: tick(stop),
        stopping=lambda: said.append("stopping"),
    )
    assert said == ["stopping"] * (stop.count > 0)
    return exit_code, log.read_text()


@pytest.mark.parametrize("exit_code", [0, 1, 3])
def test_the_exit_code_is_returned_and_all_output_is_in_the_log(exit_code: int, tmp_path: Path) -> None:
    code = f"import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit({exit_code})"
    assert python(code, tmp_path) == (exit_code, "out\nerr\n")


def test_a_process_runs_in_its_folder_in_a_session_without_input(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ['HOME'], sys.stdin.read() == '', os.getsid(0) == os.getpid())"
    assert python(code, tmp_path) == (0, f"{tmp_path} {tmp_path} True True\n")


def test_a_process_gets_only_our_own_locust_variables(tmp_path: Path) -> None:
    outer = {
        "PATH": "/bin",
        "HOME": "/home/somebody",
        "LOCUST_HOST": "https://edge.example",
        "LOCUST_PROCESSES": "4",
        "LOCUST_SOFTPHONE_CLIENT_ID": "id",
        "LOCUST_SOFTPHONE_CLIENT_SECRET": "secret",
        "PYTHONUSERBASE": "/base",
        "PYTHONPATH": f"plugin{os.pathsep}/elsewhere",  # relative to where we are, not to where it will be
    }
    assert environment(tmp_path, outer) == {
        "PATH": "/bin",
        "HOME": str(tmp_path),
        "LOCUST_SOFTPHONE_CLIENT_ID": "id",
        "LOCUST_SOFTPHONE_CLIENT_SECRET": "secret",
        "PYTHONUSERBASE": "/base",
        "LOCUST_SOFTPHONE_COMMAND": "locust-softphone",
        "PYTHONPATH": f"{Path.cwd() / 'plugin'}{os.pathsep}/elsewhere",
    }


def test_packages_of_the_user_are_found_with_another_home(tmp_path: Path) -> None:
    code = "import json, site; print(json.dumps(site.getusersitepackages()))"
    _, printed = python(code, tmp_path)
    assert not json.loads(printed).startswith(str(tmp_path))


def test_the_first_interruption_is_passed_on_once(tmp_path: Path) -> None:
    def tick(stop: Interruptions) -> None:
        stop.count = int("ready" in (tmp_path / "log").read_text())

    assert python(POLITE, tmp_path, tick) == (7, "ready\ninterrupted\n")


def test_a_second_interruption_kills_the_process(tmp_path: Path) -> None:
    def tick(stop: Interruptions) -> None:
        stop.count = len((tmp_path / "log").read_text().splitlines())

    assert python(STUBBORN, tmp_path, tick) == (-signal.SIGKILL, "ready\ninterrupted\n")


def test_a_process_that_ignores_an_interruption_is_killed_after_a_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locust_process, "KILLED_AFTER_S", 0.0)

    def tick(stop: Interruptions) -> None:
        stop.count = int("ready" in (tmp_path / "log").read_text())

    exit_code, _ = python(STUBBORN, tmp_path, tick)
    assert exit_code == -signal.SIGKILL


def test_a_process_is_killed_when_the_command_fails(tmp_path: Path) -> None:
    def tick(stop: Interruptions) -> None:
        if pid := (tmp_path / "log").read_text():
            raise BrokenPipeError(pid)

    with pytest.raises(BrokenPipeError) as failed:
        python("import os, signal; print(os.getpid(), flush=True); signal.pause()", tmp_path, tick)
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(failed.value)), 0)


@pytest.fixture
def handled(request: pytest.FixtureRequest) -> Iterator[tuple[signal.Signals, object]]:
    """A signal and its handler; the original handler is restored after the test."""
    number, handler = request.param
    before = signal.signal(number, handler)
    yield number, handler
    signal.signal(number, before)


@pytest.mark.parametrize(
    ("handled", "count"),
    [
        ((signal.SIGINT, signal.default_int_handler), 2),
        ((signal.SIGTERM, signal.SIG_DFL), 2),
        ((signal.SIGHUP, signal.SIG_DFL), 2),
        ((signal.SIGHUP, signal.SIG_IGN), 0),  # nohup
    ],
    indirect=["handled"],
)
def test_signals_are_counted_and_their_handlers_restored(handled: tuple[signal.Signals, object], count: int) -> None:
    number, handler = handled
    with Interruptions() as stop:
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert stop.count == count
    assert signal.getsignal(number) is handler


def test_the_command_runs_the_packages_packaged_locustfile() -> None:
    command = locust_command(["--softphone-profile", "smoke"])
    assert command[0] == sys.executable
    assert command[-2:] == ["--softphone-profile", "smoke"]
    assert "install(events)" in packaged_locustfile().read_text(encoding="utf-8")
    assert str(packaged_locustfile()) in command


LOG = """\
[2026-08-01 12:00:00,000] vm/INFO/locust.main: Starting Locust 2.47.0
{}
[2026-08-01 12:00:09,000] vm/INFO/locust.main: Shutting down (exit code 2)
"""


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("run record: /tmp/runs/x-smoke/run.json", Path("/tmp/runs/x-smoke")),
        ("run record: /tmp/a b: c/x-smoke/run.json", Path("/tmp/a b: c/x-smoke")),
        ("no run record: /tmp/run.json", None),
        ("", None),
    ],
)
def test_the_folder_of_the_record_is_read_from_the_log(text: str, record: Path | None, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG.format(text))
    assert record_of(log) == record


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("--host http://x: no such host name", ["--host http://x: no such host name"]),
        ("[2026-08-01 12:00:01,000] vm/ERROR/locust_softphone.swarm.coordinator: disk full\nType  Name", ["disk full"]),
        ("[2026-08-01 12:00:01,000] vm/WARNING/locust.main: beware", []),
        ("\n".join(f"line {n}" for n in range(9)), [f"line {n}" for n in range(4, 9)]),
        ("", []),
    ],
)
def test_the_errors_of_a_failed_process_are_read_from_the_log(text: str, lines: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG.format(text))
    assert error_lines(log) == lines


def test_a_port_for_a_process_is_not_given_to_an_outgoing_connection_meanwhile() -> None:
    """The kernel gives connections the ports of its own range only."""
    ports = {unused_port() for _ in range(20)}
    kernels = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(kernels.read_text().split()[0]) if kernels.is_file() else 49_152
    assert len(ports) > 1
    assert max(ports) < max(first, 32_000)
