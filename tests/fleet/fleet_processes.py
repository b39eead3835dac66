"""A master and its workers as real processes, in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locust_softphone.commands.locust_process import unused_port
from tests.swarm.locust_process import LOCUSTFILE, NOTHING, PACKAGES, PATIENCE_S, records

__all__ = ["FleetProcesses", "a_fleet"]


@dataclass
class FleetProcesses:
    """A master, and workers that join and leave."""

    folder: Path
    port: int
    master: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def join(self, locustfile: Path = LOCUSTFILE, environment: Mapping[str, str] = NOTHING) -> subprocess.Popen[bytes]:
        """Start one more worker, with further environment variables."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = _locust(
            self.folder,
            log,
            "--worker",
            "--master-port",
            str(self.port),
            locustfile=locustfile,
            environment=environment,
        )
        self.workers.append(worker)
        return worker

    def log(self, name: str = "master") -> str:
        return (self.folder / f"{name}.log").read_text()

    def await_log(self, text: str, name: str = "master") -> None:
        self.await_(lambda: text in self.log(name), f"{text!r} in {name}.log")

    def await_(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come: {self.log()}"
            time.sleep(0.02)

    def record(self) -> dict[str, Any]:
        """The record of the one run, once the master has ended."""
        self.master.wait(PATIENCE_S)
        (record,) = records(self.folder)
        return record


@contextmanager
def a_fleet(
    folder: Path,
    profile: str,
    *options: str,
    workers: int,
    master_expects: int | None = None,
    locustfile: Path = LOCUSTFILE,
    headless: bool = True,
) -> Iterator[FleetProcesses]:
    """Start a master for ``profile`` and its workers; those that are left at the end are killed.

    Args:
        folder: where all of them run.
        profile: its text.
        options: the master's.
        workers: how many are started.
        master_expects: how many the master waits for, if not as many.
        locustfile: the workers'.
        headless: whether the master starts the run by itself.
    """
    (folder / "profile.yaml").write_text(profile)
    port = unused_port()
    run = ["--only-summary", "--softphone-profile", "profile.yaml", "--expect-workers", str(master_expects or workers)]
    run += ["--headless"] if headless else []
    bound = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port))
    fleet = FleetProcesses(folder, port, _locust(folder, folder / "master.log", *bound, *run, *options))
    try:
        for _ in range(workers):
            fleet.join(locustfile)
        yield fleet
    finally:
        for process in (fleet.master, *fleet.workers):
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def _locust(
    folder: Path,
    log: Path,
    *options: str,
    locustfile: Path = LOCUSTFILE,
    environment: Mapping[str, str] = NOTHING,
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(locustfile), *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PACKAGES), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
