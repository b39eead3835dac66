"""A real Locust process with the plugin, in a folder of its own.

run = run_locust(tmp_path, profile="users: 4 …")
run.returncode, run.record, run.complaints
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

import locust_softphone
from locust_softphone.commands.locust_process import unused_port

__all__ = ["LOCUSTFILE", "TINY", "Finished", "edge_of", "records", "run_locust", "running_locust"]

PACKAGES = Path(locust_softphone.__file__).parents[1]
LOCUSTFILE = PACKAGES.parent / "locustfile.py"
PATIENCE_S = 60.0  # for a process to end; a test that meets it has failed
LOG_LINE = r"\[[^]]*\] \S+/(?P<level>[A-Z]+)/\S+: (?P<text>.*)"
TABLES = r"(?m)(^Response time percentiles.*\n)?^Type  (.*\n)+?\n"
NOTHING: Mapping[str, str] = MappingProxyType({})

TINY = """
name: tiny
users: 4
ramp: 50ms
hold: 500ms
expect: [answered == 100%]
"""


@dataclass(frozen=True)
class Finished:
    """A Locust process that has ended."""

    folder: Path
    returncode: int
    stdout: str
    stderr: str

    @property
    def record(self) -> dict[str, Any]:
        """The record of its one run."""
        (record,) = records(self.folder)
        return record

    @property
    def complaints(self) -> list[str]:
        """What it prints on stderr, without Locust's progress reports and tables."""
        lines = [(re.fullmatch(LOG_LINE, line), line) for line in re.sub(TABLES, "", self.stderr).splitlines()]
        return [found["text"] if found else line for found, line in lines if not found or found["level"] != "INFO"]


class TooBusy(AssertionError):
    """A run was saturated, so the test's result means nothing; the test is repeated (``tests/conftest.py``)."""


def records(folder: Path, *, even_late: bool = False) -> list[dict[str, Any]]:
    """The run records under a folder, the oldest first.

    Args:
        folder: where Locust ran.
        even_late: whether a run may have been saturated.

    Raises:
        TooBusy: one was.
    """
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("runs/*/run.json"))]
    late = [reason for each in found for reason in each["validity"]["reasons"] if "was saturated" in reason]
    if late and not even_late:
        raise TooBusy(late[0])
    return found


def run_locust(
    folder: Path,
    *options: str,
    profile: str | None = TINY,
    locustfile: Path | str = LOCUSTFILE,
    environment: Mapping[str, str] = NOTHING,
    under: Sequence[str] = (),
) -> Finished:
    """Run Locust without its web UI until it ends by itself.

    Raises:
        TooBusy: its run was not on time.
    """
    with running_locust(
        folder, "--headless", *options, profile=profile, locustfile=locustfile, environment=environment, under=under
    ) as process:
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    records(folder)  # the exit code of a saturated run means nothing either
    return Finished(folder, process.returncode, stdout, stderr)


@contextmanager
def running_locust(
    folder: Path,
    *options: str,
    profile: str | None = TINY,
    locustfile: Path | str = LOCUSTFILE,
    environment: Mapping[str, str] = NOTHING,
    under: Sequence[str] = (),
) -> Iterator[subprocess.Popen[str]]:
    """A Locust process; it is killed with its children if it still runs at the end.

    Args:
        folder: where it runs; ``runs`` in it gets the records.
        options: Locust's and ours.
        profile: the text of the profile to run; None for one that the options name.
        locustfile: a file, or the text of one.
        environment: further environment variables.
        under: a command that runs another one, such as ``nohup``.
    """
    if isinstance(locustfile, str):
        text, locustfile = locustfile, folder / "locustfile.py"
        locustfile.write_text(text)
    if profile is not None:
        (folder / "tiny.yaml").write_text(profile)
        options = ("--softphone-profile", "tiny.yaml", *options)
    if "--processes" in options:  # at Locust's default port it could meet the workers of another test
        port = str(unused_port())
        bound = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port)
        options = (*options, *bound)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    with subprocess.Popen(
        [*under, sys.executable, "-m", "locust", "-f", str(locustfile), *options],
        cwd=folder,
        env={**inherited, "HOME": str(folder), "PYTHONPATH": str(PACKAGES), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                started = psutil.Process(process.pid)
                for each in (*started.children(recursive=True), started):
                    each.kill()


def edge_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    """The simulated edge that a Locust process has started, if any."""
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if "edge" in child.cmdline():
                return child
    return None
