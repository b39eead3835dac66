"""A process on its own core, and the CPU that it has used. Linux only.

The CPU of a finished process is what the kernel reports (wait4): user and system time of the process and of the
children that it waited for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from locust_softphone.commands.locust_process import error_lines

__all__ = ["Command", "Process", "Usage", "cores"]

TICK_S = 0.02


def cores() -> tuple[int, int]:
    """The core of the tool and the core of the edge; the same core if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


@dataclass(frozen=True)
class Usage:
    """The totals of a finished process."""

    exit_code: int
    cpu_s: float
    took_s: float


@dataclass(frozen=True)
class Command:
    """A process to start.

    Args:
        arguments: its command line.
        folder: its working directory, for everything that it writes.
        environment: additional variables.
        pinned: whether it runs on the tool's core only.
    """

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    pinned: bool = True

    @property
    def log(self) -> Path:
        return self.folder / "log"


class Process:
    """A running command in its own session. At the end of the ``with`` block, it and its children are killed.

    Args:
        command: what runs.
        core: the core that it is pinned to, or None.
        stdin: as for ``subprocess.Popen``.
    """

    def __init__(self, command: Command, *, core: int | None, stdin: int = subprocess.DEVNULL) -> None:
        self.log = command.log
        self._began_s = time.perf_counter()
        self._usage: Usage | None = None
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        with self.log.open("wb") as output:
            self._popen = subprocess.Popen(
                command.arguments,
                cwd=command.folder,
                env={**inherited, **command.environment},
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=None if core is None else partial(os.sched_setaffinity, 0, {core}),
            )
        self.pid = self._popen.pid

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen.stdin:
            self._popen.stdin.close()
        self.kill()

    def tree(self) -> list[psutil.Process]:
        """The process and its children."""
        try:
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_s(self) -> float:
        """User and system time so far, of the process and its children."""
        return sum(times.user + times.system for times in (each.cpu_times() for each in self.tree()))

    def ran_s(self) -> float:
        """How long its main thread has run so far, in nanosecond resolution (Linux, scheduler statistics)."""
        try:
            return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9
        except (OSError, IndexError):
            return 0.0

    def rss(self) -> int:
        """The current resident memory of the process and its children, in bytes."""
        return sum(int(each.memory_info().rss) for each in self.tree())

    def errors(self) -> str:
        """The errors in its log, or its last lines."""
        return "\n".join(error_lines(self.log))

    def signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def poll(self) -> Usage | None:
        """Its totals if it has ended, else None."""
        if self._usage is None:
            pid, status, spent = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._popen.returncode = os.waitstatus_to_exitcode(status)
                took_s = time.perf_counter() - self._began_s
                self._usage = Usage(self._popen.returncode, spent.ru_utime + spent.ru_stime, took_s)
        return self._usage

    def wait(self, limit_s: float) -> Usage:
        """Wait until it ends, for ``limit_s`` at most; then it is killed, as its exit code shows."""
        deadline_s = time.perf_counter() + limit_s
        while (usage := self.poll()) is None:
            if time.perf_counter() > deadline_s:
                return self.kill()
            time.sleep(TICK_S)
        return usage

    def kill(self) -> Usage:
        """Kill it and everything that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        while (usage := self.poll()) is None:
            time.sleep(TICK_S)
        return usage
