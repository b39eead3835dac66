"""The processes of these tests: an edge that records its requests, the real client in Node, and our softphone.

with recording_edge("max_early_retries: 3") as edge, streaming_client(edge, "agent1s-own") as client:
    client.do("connect")
    client.wait_for("connected")
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.edge_process import EdgeProcess

__all__ = ["Client", "Recording", "Request", "our_softphone", "recording_edge", "streaming_client"]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PACKAGE = ".".join(HERE.relative_to(ROOT).parts)
PATIENCE_S = 60.0  # a bound for a test that has gone wrong


@dataclass
class Request:
    """One request as the edge saw it; ``status`` and ``retry_after`` are those of a refusal."""

    at_s: float
    line: str
    status: int | None = None
    retry_after: str | None = None


class Lines:
    """The lines that a process prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def next(self, timeout_s: float = PATIENCE_S) -> str:
        """The next line; an empty one if the process has ended."""
        return self._lines.get(timeout=timeout_s)

    def waiting(self) -> Iterator[str]:
        """The lines that have been printed and not yet read."""
        while not self._lines.empty():
            yield self._lines.get()

    def _read(self, stdout: Any) -> None:
        for line in stdout:
            self._lines.put(line)
        self._lines.put("")


class Recording:
    """An edge that records its requests."""

    def __init__(self, edge: EdgeProcess, lines: Lines) -> None:
        self.edge = edge
        self._lines = lines
        self._requests: list[Request] = []
        self.lag_s = 0.0

    def requests(self, at_least: int = 0) -> list[Request]:
        """All requests so far; waits until there are ``at_least``."""
        for line in self._lines.waiting():
            self._take(line)
        while len(self._requests) < at_least:
            self._take(self._lines.next())
        return self._requests

    def _take(self, line: str) -> None:
        assert line, "the edge has ended"
        noted = json.loads(line)
        self.lag_s = noted["lag_s"]
        if "refused" in noted:
            refused = self._requests[noted["refused"]]
            refused.status, refused.retry_after = noted["status"], noted["retry_after"]
        else:
            self._requests.append(Request(noted["at_s"], noted["request"]))


class Client:
    """A client of an edge, in its own process."""

    def __init__(self, process: subprocess.Popen[str], lines: Lines) -> None:
        self._process = process
        self._lines = lines
        self._lag_s = 0.0
        self._seen = 0
        self.happened: list[dict[str, Any]] = []

    def do(self, command: str, **facts: object) -> None:
        """Send a command to the client."""
        assert self._process.stdin is not None
        print(json.dumps({"command": command, **facts}), file=self._process.stdin, flush=True)

    @property
    def lag_s(self) -> float:
        """The largest delay of a timer in the process."""
        for line in self._lines.waiting():
            self._take(line)
        return self._lag_s

    def wait_for(self, event: str, **facts: object) -> None:
        """Wait for the next event of this name with these values."""
        wanted = {"event": event, **facts}.items()
        while True:
            while self._seen < len(self.happened):
                self._seen += 1
                if wanted <= self.happened[self._seen - 1].items():
                    return
            self._take(self._lines.next())

    def _take(self, line: str) -> None:
        assert line, f"the client has ended, after {self.happened}"
        happened: dict[str, Any] = json.loads(line)
        if happened["event"] == "lag":
            self._lag_s = happened["lag_s"]
        else:
            self.happened.append(happened)


@contextmanager
def recording_edge(policy: str) -> Iterator[Recording]:
    """An edge with this policy, as YAML."""
    with TemporaryDirectory() as directory:
        file = Path(directory, "policy.yaml")
        file.write_text(policy)
        with _running([sys.executable, "-m", f"{PACKAGE}.recording_edge", str(file)]) as process:
            lines = Lines(process)
            listening = lines.next()
            assert listening.startswith("listening on "), listening
            yield Recording(EdgeProcess(listening.split()[-1], process), lines)


def streaming_client(recording: Recording, token: str) -> AbstractContextManager[Client]:
    """The real client, with this token."""
    return _client(["node", str(HERE / "agent.js")], recording, token)


def our_softphone(recording: Recording, token: str) -> AbstractContextManager[Client]:
    """Our softphone with the preset for the real client; it accepts only the command ``connect``."""
    return _client([sys.executable, "-m", f"{PACKAGE}.our_softphone"], recording, token)


@contextmanager
def _client(command: list[str], recording: Recording, token: str) -> Iterator[Client]:
    about = json.dumps({"origin": recording.edge.url, "token": token})
    with _running([*command, about]) as process:
        client = Client(process, Lines(process))
        client.wait_for("started")
        yield client


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()
