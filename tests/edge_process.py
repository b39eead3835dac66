"""A real edge in its own process, on its own port.

with running_edge("max_early_retries: 0") as edge:
    edge.request("GET", "/stats")
"""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from resource import RLIMIT_NOFILE, setrlimit
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

__all__ = ["EdgeProcess", "Response", "running_edge"]

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
TIMEOUT_S = 20.0  # for a process to start or to end; only reached if a test fails


@dataclass(frozen=True)
class Response:
    """An HTTP response; header names have no case."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class EdgeProcess:
    """A running edge."""

    url: str
    process: subprocess.Popen[str]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    @property
    def signaling_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}/signaling"

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """A context that trusts any certificate, for an edge with TLS."""
        return ssl._create_unverified_context() if self.url.startswith("https") else None

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS) -> Response:
        """One request, on a connection of its own."""
        with closing(self._connection()) as connection:
            connection.request(method, path, body, dict(headers))
            with connection.getresponse() as response:
                return Response(response.status, response.headers, response.read())

    def _connection(self) -> http.client.HTTPConnection:
        if self.ssl_context is None:
            return http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)
        return http.client.HTTPSConnection(*self.address, timeout=TIMEOUT_S, context=self.ssl_context)

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self.request("GET", "/stats").json()
        return stats


@contextmanager
def running_edge(
    policy: str | None = None,
    *,
    tls: tuple[Path, Path] | None = None,
    options: Sequence[str] = (),
    most_descriptors: int | None = None,
) -> Iterator[EdgeProcess]:
    """A running edge.

    Args:
        policy: as YAML.
        tls: a certificate and its key.
        options: further options of the command.
        most_descriptors: its limit on open file descriptors.

    An edge that prints to stderr or does not end cleanly has a bug, and fails the test.
    """
    with tempfile.TemporaryDirectory() as directory:
        command = [
            sys.executable,
            "-m",
            "locust_softphone.cli",
            "edge",
            "--port",
            "0",
            "--until-stdin-closes",
            *options,
        ]
        if policy is not None:
            file = Path(directory, "policy.yaml")
            file.write_text(policy)
            command += ["--policy", str(file)]
        if tls is not None:
            command += ["--tls-cert", str(tls[0]), "--tls-key", str(tls[1])]
        errors = Path(directory, "stderr")
        with (
            errors.open("w") as stderr,
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                preexec_fn=partial(setrlimit, RLIMIT_NOFILE, (most_descriptors,) * 2) if most_descriptors else None,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line.startswith("listening on "), line + errors.read_text()
                yield EdgeProcess(line.split()[-1], process)
            finally:
                process.terminate()
                try:
                    process.wait(TIMEOUT_S)
                finally:
                    process.kill()
        assert errors.read_text() == ""
        assert process.returncode == 0
