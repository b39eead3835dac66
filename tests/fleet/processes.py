"""Runs the commands of a container or a host as plain processes that cannot outlive the test.

with started(["locust", "--worker"], folder=tmp_path, name="worker") as worker:
    worker.process, worker.output()
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

import locust_softphone

__all__ = ["CHECKOUT", "PATIENCE_S", "Started", "ended", "real", "started"]

PACKAGES = Path(locust_softphone.__file__).parents[1]
CHECKOUT = PACKAGES.parent
PATIENCE_S = 60.0  # for a process to end; a test that meets it has failed
NOTHING: Mapping[str, str] = MappingProxyType({})
PROGRAMS = {
    "locust": [sys.executable, "-m", "locust", "-f", str(CHECKOUT / "locustfile.py")],
    "locust-softphone": [sys.executable, "-m", "locust_softphone.cli"],
    "python": [sys.executable],
}


@dataclass(frozen=True)
class Started:
    """A process, and the file that has all it printed."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text()


def real(command: Sequence[str]) -> list[str]:
    """The command with this interpreter's program in place of an installed one."""
    return [*PROGRAMS[command[0]], *command[1:]]


def ended(started: Started, number: signal.Signals | None = None) -> int:
    """The exit code of a process that ends by itself, or by a signal."""
    if number is not None:
        started.process.send_signal(number)
    return started.process.wait(PATIENCE_S)


@contextmanager
def started(
    command: Sequence[str], *, folder: Path, name: str, environment: Mapping[str, str] = NOTHING
) -> Iterator[Started]:
    """A process in this folder; it is killed if it still runs at the end.

    Args:
        command: what to run, as ``real`` has it.
        folder: where it runs; it is its home too.
        name: of its log file.
        environment: further variables; it inherits no ``LOCUST_…``.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    log = folder / f"{name}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, "HOME": str(folder), "PYTHONPATH": str(PACKAGES), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Started(process, log)
        finally:
            if process.poll() is None:
                parent = psutil.Process(process.pid)
                for each in (*parent.children(recursive=True), parent):
                    each.kill()
