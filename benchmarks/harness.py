"""The machine under a benchmark: who runs on which core, and what a process has cost when it is over. Linux only.

    first core    the tool that makes the load
    second core   the simulated edge, with limits that nobody meets

Cost is what the kernel booked (wait4): user and system time of a process and of the children that it waited for. What
was done is what the edge counted, whatever a tool says of itself.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from locust_softphone.report.ledger import since

__all__ = ["Bench", "Command", "Edge", "Goal", "Process", "Run", "Usage", "bench", "cores", "milliseconds", "show"]

PATIENCE_S = 20.0  # for an edge to start or to answer
TICK_S = 0.02
TABLE_WIDTH = 120  # where no terminal says how wide it is
WIDE_OPEN = """
limits:
  token: {{rate: 100000/s, burst: 100000}}
  handshake: {{rate: 100000/s, burst: 100000}}
  offer: {{rate: 100000/s, burst: 100000}}
setup: {{rate: 100000/s, burst: 100000}}
offer_deadline: 60s
ping_every: {ping_every}
"""


def cores() -> tuple[int, int]:
    """The core of the tool and the core of the edge; the same one where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


@dataclass(frozen=True)
class Usage:
    """What a process has used, in all."""

    exit_code: int
    cpu_s: float
    took_s: float


@dataclass(frozen=True)
class Command:
    """A process to start.

    Args:
        arguments: its command line.
        folder: where it runs, and leaves what it writes.
        environment: variables on top of ours.
        pinned: whether it is kept on the tool's core.
    """

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    pinned: bool = True

    @property
    def log(self) -> Path:
        return self.folder / "log"


class Process:
    """A running command, in a session of its own: whatever is left of it at the end of the block is killed.

    Args:
        command: what runs.
        core: the core that it is kept on, or None for any.
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
            return [(parent := psutil.Process(self.pid)), *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_s(self) -> float:
        """User and system time so far, of the process and its children."""
        return sum(times.user + times.system for times in (each.cpu_times() for each in self.tree()))

    def rss(self) -> int:
        """Resident memory now, in bytes, of the process and its children."""
        return sum(int(each.memory_info().rss) for each in self.tree())

    def signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def poll(self) -> Usage | None:
        """What it has used if it is over, else None."""
        if self._usage is None:
            pid, status, spent = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._popen.returncode = os.waitstatus_to_exitcode(status)
                took_s = time.perf_counter() - self._began_s
                self._usage = Usage(self._popen.returncode, spent.ru_utime + spent.ru_stime, took_s)
        return self._usage

    def wait(self, limit_s: float) -> Usage:
        """Wait for its end, ``limit_s`` at most; what is not over by then is killed, and its exit code says so."""
        deadline_s = time.perf_counter() + limit_s
        while (usage := self.poll()) is None:
            if time.perf_counter() > deadline_s:
                return self.kill()
            time.sleep(TICK_S)
        return usage

    def kill(self) -> Usage:
        """End it, and what it has started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        while (usage := self.poll()) is None:
            time.sleep(TICK_S)
        return usage


@dataclass(frozen=True)
class Edge:
    """The simulated edge that is called."""

    url: str
    process: Process
    ca: Path | None

    def stats(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(
                host, port, timeout=PATIENCE_S, context=ssl.create_default_context(cafile=self.ca)
            )
            if self.ca
            else http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
        )
        with closing(connection):
            connection.request("GET", "/stats")
            stats: dict[str, Any] = json.loads(connection.getresponse().read())
            return stats

    def wait_for(self, seen: Callable[[dict[str, Any]], bool], client: Process, limit_s: float) -> bool:
        """Wait until its counters show something; returns whether they did before the client ended or time was up."""
        deadline_s = time.perf_counter() + limit_s
        while client.poll() is None and time.perf_counter() < deadline_s:
            if seen(self.stats()):
                return True
            time.sleep(5 * TICK_S)
        return False


@dataclass(frozen=True)
class Run:
    """A command that is over: what it used, what the edge counted meanwhile, and where its results are."""

    usage: Usage
    counted: dict[str, Any]
    folder: Path

    @property
    def answered(self) -> int:
        """Calls that the edge answered."""
        calls: int = self.counted["steps"]["offer"]["admitted"]
        return calls

    @property
    def closed(self) -> int:
        """WebSockets that were closed with 1000."""
        closes: int = self.counted["closes"].get("1000", 0)
        return closes


@dataclass(frozen=True)
class Bench:
    """An edge, and folders for what is run against it."""

    edge: Edge
    folder: Path

    def new_folder(self, name: str) -> Path:
        """An empty folder for one run."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def start(self, command: Command) -> Process:
        """Start a command; use it as a context manager."""
        return Process(command, core=cores()[0] if command.pinned else None)

    def complete(self, command: Command, limit_s: float) -> Run:
        """Run a command to its end."""
        before = self.edge.stats()
        with self.start(command) as process:
            usage = process.wait(limit_s)
        return Run(usage, since(before, self.edge.stats()), command.folder)


@contextmanager
def bench(*, tls: bool = False, ping_every: str = "10m") -> Iterator[Bench]:
    """A running edge on a core of its own.

    Args:
        tls: serve https and wss, with the certificate of an authority that is made for it.
        ping_every: between two pings on a session.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.yaml").write_text(WIDE_OPEN.format(ping_every=ping_every))
        arguments = [sys.executable, "-m", "locust_softphone.cli", "edge", "--port", "0", "--until-stdin-closes"]
        arguments += ["--policy", "policy.yaml", *(["--tls-cert", "edge.pem"] if tls else [])]
        ca = _make_certificate(folder) if tls else None
        with Process(Command(arguments, folder), core=cores()[1], stdin=subprocess.PIPE) as process:
            yield Bench(Edge(_url(process), process, ca), folder)


def _make_certificate(folder: Path) -> Path:
    """Write ``edge.pem`` for a loopback edge; returns the file of the authority that vouches for it."""
    try:
        import trustme
    except ImportError:
        raise SystemExit("--tls needs a certificate: pip install trustme") from None
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(folder / "edge.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return folder / "ca.pem"


def _url(process: Process) -> str:
    """Where an edge that has just been started says that it listens."""
    deadline_s = time.perf_counter() + PATIENCE_S
    while process.poll() is None and time.perf_counter() < deadline_s:
        said = process.log.read_text()
        if said.startswith("listening on ") and said.endswith("\n"):
            return said.split()[2]
        time.sleep(TICK_S)
    raise SystemExit(f"the simulated edge did not start: {process.log.read_text().strip()}")


@dataclass(frozen=True)
class Goal:
    """What a benchmark is to show, what it has shown, and whether that is enough."""

    target: str
    result: str
    met: bool


def show(table: Table, goals: Sequence[Goal], caption: str) -> int:
    """Print the table, the goals, and a line on what this is; returns the exit code."""
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    verdicts = Table("target", "result", "")
    for goal in goals:
        verdicts.add_row(goal.target, goal.result, "[green]met" if goal.met else "[bold red]not met")
    console.print(table)
    console.print(verdicts)
    console.print(f"{caption}; {_machine()}", style="dim", soft_wrap=True, highlight=False)
    return 0 if all(goal.met for goal in goals) else 1


def milliseconds(seconds: float | None) -> str:
    """For a table: three digits that count, or a dash for what was not measured."""
    if seconds is None:
        return "–"
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _machine() -> str:
    openssl = " ".join(ssl.OPENSSL_VERSION.split()[:2])
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {openssl}"
