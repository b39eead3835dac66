"""What all benchmarks use: a simulated edge whose limits are never reached, and runs measured by its counters.

    first core    the tool that makes the load
    second core   the simulated edge

The edge's counters say what a run has done, not the tool's own. To run the benchmarks: pip install -e '.[bench]'
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from locust_softphone.runs.ledger import since
from process import Command, Process, Usage, cores

__all__ = ["POLL_EVERY_S", "TIMEOUT_S", "Bench", "Edge", "Run", "bench", "listening_on"]

TIMEOUT_S = 20.0  # for an edge to start or to answer
POLL_EVERY_S = 0.1
HIGH_LIMITS = """
limits:
  token: {{rate: 100000/s, burst: 100000}}
  handshake: {{rate: 100000/s, burst: 100000}}
  registration: {{rate: 100000/s, burst: 100000}}
  offer: {{rate: 100000/s, burst: 100000}}
setup: {{rate: 100000/s, burst: 100000}}
offer_deadline: 60s
ping_every: {ping_every}
genesys_cloud: {{requests_per_token: {{count: 1000000, per: 60s}}}}
"""


@dataclass(frozen=True)
class Edge:
    """The simulated edge that is called.

    Args:
        url: its address.
        process: that it runs in.
        ca: the file of the authorities that a tool trusts; None without TLS.
        tls: for requests to it; None without TLS.
        trusted_by_system: whether the file also has the system's authorities, and is given to a tool as the system's.
    """

    url: str
    process: Process
    ca: Path | None
    tls: ssl.SSLContext | None
    trusted_by_system: bool = False

    def stats(self) -> dict[str, Any]:
        """The counters of ``GET /stats``."""
        with closing(self._connection()) as connection:
            connection.request("GET", "/stats")
            stats: dict[str, Any] = json.loads(connection.getresponse().read())
            return stats

    def _connection(self) -> http.client.HTTPConnection:
        address = urlsplit(self.url).netloc
        if self.tls:
            return http.client.HTTPSConnection(address, timeout=TIMEOUT_S, context=self.tls)
        return http.client.HTTPConnection(address, timeout=TIMEOUT_S)

    def wait_for(self, seen: Callable[[dict[str, Any]], bool], client: Process, limit_s: float) -> bool:
        """Wait until the counters meet a condition; False if the client ends or the time is up before."""
        deadline_s = time.perf_counter() + limit_s
        while client.poll() is None and time.perf_counter() < deadline_s:
            if seen(self.stats()):
                return True
            time.sleep(POLL_EVERY_S)
        return False


@dataclass(frozen=True)
class Run:
    """A finished command: what it used, what the edge counted meanwhile, and the folder of its results."""

    usage: Usage
    counted: dict[str, Any]
    folder: Path

    @property
    def answered(self) -> int:
        """The calls that the edge answered."""
        calls: int = self.counted["steps"]["offer"]["admitted"]
        return calls

    @property
    def closed(self) -> int:
        """The WebSockets that were closed with 1000."""
        closes: int = self.counted["closes"].get("1000", 0)
        return closes


def cheapest(runs: Iterable[Run]) -> Run:
    """Of several runs of one load that with the least CPU: what others do on a shared machine only adds to it."""
    return min(runs, key=lambda run: run.usage.cpu_s)


@dataclass(frozen=True)
class Bench:
    """An edge, and folders for the runs against it."""

    edge: Edge
    folder: Path

    def new_folder(self, name: str) -> Path:
        """A new, empty folder for one run."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def start(self, command: Command) -> Process:
        """Start a command; use it as a context manager."""
        return Process(command, core=cores()[0] if command.pinned else None)

    def complete(self, command: Command, limit_s: float) -> Run:
        """Run a command until it ends, for ``limit_s`` at most."""
        before = self.edge.stats()
        with self.start(command) as process:
            usage = process.wait(limit_s)
        return Run(usage, since(before, self.edge.stats()), command.folder)


def parse_with_tls(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments of a benchmark that can run over TLS."""
    parser.add_argument("--tls", action="store_true", help="https and wss")
    parser.add_argument(
        "--system-ca", action="store_true", help="with --tls: all authorities of the system are trusted"
    )
    parsed = parser.parse_args()
    if parsed.system_ca and not parsed.tls:
        parser.error("--system-ca is for --tls")
    return parsed


@contextmanager
def bench(*, tls: bool = False, trusted_by_system: bool = False, ping_every: str = "10m") -> Iterator[Bench]:
    """A running edge on its own core.

    Args:
        tls: serve https and wss, with a certificate of a new authority.
        trusted_by_system: for TLS: that authority is one of the system's, as for a real edge; otherwise it is the only
            one that is trusted.
        ping_every: the time between two pings on a session.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.yaml").write_text(HIGH_LIMITS.format(ping_every=ping_every))
        arguments = [sys.executable, "-m", "locust_softphone.cli", "edge", "--port", "0", "--until-stdin-closes"]
        arguments += ["--policy", "policy.yaml", *(["--tls-cert", "edge.pem"] if tls else [])]
        ca = _make_certificate(folder) if tls else None
        if ca and trusted_by_system:
            ca.write_text(_authorities_of_the_system() + ca.read_text())
        with Process(Command(arguments, folder), core=cores()[1], stdin=subprocess.PIPE) as process:
            context = ssl.create_default_context(cafile=ca) if ca else None
            yield Bench(Edge(listening_on(process), process, ca, context, trusted_by_system), folder)


def _make_certificate(folder: Path) -> Path:
    """Write ``edge.pem`` for an edge on loopback; returns the file of the authority that signed it."""
    try:
        import trustme
    except ImportError:
        raise SystemExit("--tls needs a certificate: pip install trustme") from None
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(folder / "edge.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return folder / "ca.pem"


def _authorities_of_the_system() -> str:
    """Their certificates."""
    file = ssl.get_default_verify_paths().cafile
    if not file:
        raise SystemExit("this system has no file of certificate authorities (Debian: ca-certificates)")
    return Path(file).read_text()


def listening_on(process: Process) -> str:
    """The address that a new server reports on its first line."""
    deadline_s = time.perf_counter() + TIMEOUT_S
    while process.poll() is None and time.perf_counter() < deadline_s:
        printed = process.log.read_text()
        if printed.startswith("listening on ") and printed.endswith("\n"):
            return printed.split()[2]
        time.sleep(POLL_EVERY_S)
    raise SystemExit(f"the server did not start: {process.log.read_text().strip()}")
