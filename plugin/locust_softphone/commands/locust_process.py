"""Starts a headless Locust run in its own process, isolated from the user's Locust configuration.

The process runs in a folder of ours, which is also its home, so that no ``locust.conf``, ``pyproject.toml`` or
``~/.locust.conf`` changes what is compared. Of the environment variables ``LOCUST_…`` it only gets
``LOCUST_SOFTPHONE_…``; among them are the client id and secret, which never go on a command line. It has its own
session, so that Ctrl-C reaches it once, from here: the softphones hang up and the record is written.
"""

from __future__ import annotations

import os
import random
import re
import signal
import site
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, Self

from locust_softphone.swarm.option_list import COMMAND_VARIABLE
from locust_softphone.swarm.parent_process import PARENT

__all__ = [
    "Interruptions",
    "become_locust",
    "environment",
    "error_lines",
    "locust_command",
    "packaged_locustfile",
    "record_of",
    "run",
    "unused_port",
    "worker_options",
]

KILLED_AFTER_S = 60.0
"""How long an interrupted run may take to hang up and to write its record."""

_TICK_S = 0.5
_LISTENING_PORTS = range(20_000, 32_000)  # Linux gives 32768 to 60999 to connections by default
_RECORD = "run record: "
_LOG_LINE = re.compile(r"\[[^]]+\] \S+/(?P<level>[A-Z]+)/\S+: (?P<message>.*)")
_MOST_LINES = 5


class Interruptions:
    """Counts SIGINT, SIGTERM and SIGHUP instead of ending this process: one stops the run, a second one kills it."""

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started with nohup
            self._before[number] = signal.signal(number, self._interrupted)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


def packaged_locustfile() -> Path:
    """The package's locustfile: inside the package when installed, at the top of a checkout otherwise."""
    package = Path(__file__).parents[1]
    installed = package / "pack" / "locustfile.py"  # in a folder of its own: Locust adds it to sys.path
    return installed if installed.is_file() else package.parents[1] / "locustfile.py"


def become_locust(options: Sequence[str], locustfile: Path | None = None) -> NoReturn:
    """Replace this process by Locust, with its terminal, signals, folder and configuration.

    Args:
        options: Locust's.
        locustfile: of the user; the package's if None.
    """
    sys.stdout.flush()
    program = ["locust", "-f", str(locustfile or packaged_locustfile()), *options]
    if {"-h", "--help"} & set(options):
        program = ["locust_softphone.swarm.locust_help"]
    os.environ[COMMAND_VARIABLE] = "locust-softphone"
    os.execv(sys.executable, [sys.executable, "-P", "-m", *program])  # -P: not a locust.py of the working directory


def unused_port() -> int:
    """A free TCP port of this machine, for a process that is still to be started.

    It is below the ports that the kernel gives to outgoing connections: one of those can be taken again at any moment.
    """
    for port in random.sample(_LISTENING_PORTS, k=100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def worker_options(workers: int) -> list[str]:
    """Locust's options for a master with local workers, on a free port; none without workers."""
    if not workers:
        return []
    port = str(unused_port())
    bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    return ["--processes", str(workers), *bound]


def locust_command(options: Sequence[str]) -> list[str]:
    """The command line of a headless run with these options."""
    return [sys.executable, "-m", "locust", "-f", str(packaged_locustfile()), "--headless", "--only-summary", *options]


def environment(home: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """The environment of a Locust process in ``home``, made from ours (``outer``)."""
    kept = {
        name: value
        for name, value in outer.items()
        if not name.startswith("LOCUST_") or name.startswith("LOCUST_SOFTPHONE_")
    }
    if "PYTHONPATH" in kept:
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in kept["PYTHONPATH"].split(os.pathsep))
    return {"PYTHONUSERBASE": site.getuserbase(), **kept, "HOME": str(home), COMMAND_VARIABLE: "locust-softphone"}


def run(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    stop: Interruptions,
    tick: Callable[[], None],
    stopping: Callable[[], None],
) -> int:
    """Run a command to its end; returns its exit code, or the negative number of the signal that ended it.

    Args:
        command: what to run.
        folder: its working directory and its home.
        log: the file for everything that it prints.
        stop: the first interruption is passed on as SIGINT. A second one kills the process, and so does a timeout.
        tick: called every half second.
        stopping: called once it has been interrupted.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environment(folder, os.environ), PARENT: str(os.getpid())},
            start_new_session=True,
        )
    try:
        return _wait_for(process, stop, tick, stopping)
    finally:
        if process.poll() is None:
            _kill(process)


def _wait_for(
    process: subprocess.Popen[bytes], stop: Interruptions, tick: Callable[[], None], stopping: Callable[[], None]
) -> int:
    interrupted_at: float | None = None
    while process.poll() is None:
        tick()
        if stop.count and interrupted_at is None:
            interrupted_at = time.monotonic()
            process.send_signal(signal.SIGINT)
            stopping()
        if interrupted_at is not None and (stop.count > 1 or time.monotonic() > interrupted_at + KILLED_AFTER_S):
            _kill(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TICK_S)
    return process.returncode


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children. The simulated edge ends by itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def record_of(log: Path) -> Path | None:
    """The folder of the run record that a process wrote, according to its log, or None."""
    records = [line for line in _lines(log) if line.startswith(_RECORD)]
    return Path(records[-1].removeprefix(_RECORD)).parent if records else None


def error_lines(log: Path) -> list[str]:
    """Why a process failed: the errors that it logged, or else the last lines that it printed."""
    found = [(_LOG_LINE.fullmatch(line), line) for line in _lines(log) if line.strip()]
    errors = [match["message"] for match, _ in found if match and match["level"] in ("ERROR", "CRITICAL")]
    printed = [line for match, line in found if not match]
    return (errors or printed)[-_MOST_LINES:]


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()
