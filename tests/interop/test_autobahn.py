"""Both WebSocket halves against the Autobahn test suite, sections 1 to 7 and 10 (docs/websocket.md).

    fuzzing server ◄── echo by the client's Connection          fuzzing client ──► echo by the edge's Session

The suite's command, wstest, needs Python 2.7. Without it the tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from wsproto.frame_protocol import Frame, Opcode

from locust_softphone.commands.locust_process import unused_port
from locust_softphone.config.policy import Policy
from locust_softphone.edge.http_request import Caller, check_upgrade
from locust_softphone.edge.http_server import HttpServer
from locust_softphone.edge.stats import Stats
from locust_softphone.edge.websocket_session import Session
from locust_softphone.errors import AttemptFailed
from locust_softphone.signaling import websocket
from locust_softphone.signaling.target import Target

PAGE = Path(__file__).parents[2] / "docs" / "websocket.md"
LIMIT_S = 300.0
CASE_S = 15.0  # the suite itself gives up earlier
PASSED = ("OK", "NON-STRICT", "INFORMATIONAL")  # NON-STRICT: for instance, text that is not UTF-8 is refused at its end
# 9 is the speed of large messages, 12 and 13 are compression, which neither half offers
CASES = {"cases": ["*"], "exclude-cases": ["9.*", "12.*", "13.*"], "exclude-agent-cases": {}}
WSTEST = shutil.which("wstest")

pytestmark = pytest.mark.skipif(WSTEST is None, reason="Autobahn's wstest is not installed; it needs Python 2.7")


class EchoClient(websocket.Connection):
    """Sends binary messages back by itself, because ``receive`` returns text."""

    def _next(self) -> tuple[int, bytes]:
        while (received := super()._next())[0] == websocket._BINARY:
            self._stream.send(websocket._frame(*received))
        return received


class EchoSession(Session):
    """Sends every message back."""

    _binary = b""

    def _on_text(self, text: str) -> None:
        self._write(Opcode.TEXT, text.encode())

    def _on_frame(self, frame: Frame) -> None:
        super()._on_frame(frame)
        if frame.opcode is Opcode.BINARY and isinstance(frame.payload, bytes):
            self._binary += frame.payload
            if frame.message_finished:
                self._write(Opcode.BINARY, self._binary)
                self._binary = b""


@contextmanager
def wstest(folder: Path, mode: str, specification: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    path = folder / "specification.json"
    path.write_text(json.dumps({**CASES, "outdir": str(folder / "reports"), **specification}))
    command = [str(WSTEST), "--mode", mode, "--spec", str(path), "--webport", "0"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()


def verdicts(folder: Path) -> dict[str, str]:
    """For each case the worse one of its two verdicts: on the messages, and on how the connection was closed."""
    (cases,) = json.loads((folder / "reports" / "index.json").read_text()).values()
    order = [*PASSED, "UNIMPLEMENTED"]

    def rank(verdict: str) -> int:
        return order.index(verdict) if verdict in order else len(order)

    return {name: max(case["behavior"], case["behaviorClose"], key=rank) for name, case in cases.items()}


def of_the_client(folder: Path) -> dict[str, str]:
    port = unused_port()
    target = Target("127.0.0.1", port).resolved()
    with wstest(folder, "fuzzingserver", {"url": f"ws://127.0.0.1:{port}"}):
        cases = int(echo(target, "/getCaseCount"))
        for number in range(1, cases + 1):
            echo(target, f"/runCase?case={number}&agent=client")
        echo(target, "/updateReports?agent=client")
    return verdicts(folder)


def echo(target: Target, path: str) -> str:
    """Send every message back until the connection ends; returns the last one."""
    last = ""
    connection = opened(target, path)
    with suppress(AttemptFailed):
        while (message := connection.receive(CASE_S)) is not None:
            last = message
            connection.send(CASE_S, message)
    connection.abort()
    return last


def opened(target: Target, path: str) -> websocket.Connection:
    until_s = time.monotonic() + CASE_S
    while True:  # until the fuzzing server listens
        try:
            return EchoClient.open(target, path, timeout_s=CASE_S)[0]
        except AttemptFailed:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)


def of_the_edge(folder: Path) -> dict[str, str]:
    with echo_edge() as port:
        server = {"agent": "edge", "url": f"ws://127.0.0.1:{port}"}
        with wstest(folder, "fuzzingclient", {"servers": [server]}) as process:
            process.wait(LIMIT_S)
    return verdicts(folder)


@contextmanager
def echo_edge() -> Iterator[int]:
    """The edge's HTTP server with echoing sessions; yields its port."""

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        check_upgrade(request)
        return await EchoSession(Caller("organisation", "autobahn"), Policy(), Stats()).run(request, "the-edge")

    async def main() -> None:
        listener = await asyncio.get_running_loop().create_server(HttpServer(serve, CASE_S), "127.0.0.1", 0)
        port.append(listener.sockets[0].getsockname()[1])
        listening.set()
        await asyncio.to_thread(done.wait)
        listener.close()

    port: list[int] = []
    listening, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert listening.wait(CASE_S)
        yield port[0]
    finally:
        done.set()
        thread.join()


def rows(client: dict[str, str], edge: dict[str, str]) -> str:
    """The rows of the table in docs/websocket.md: passed and all cases of each section."""
    sections = sorted({int(case.partition(".")[0]) for case in client})
    lines = []
    for section in sections:
        cells = [str(section)]
        for half in (client, edge):
            found = Counter(verdict for case, verdict in half.items() if case.startswith(f"{section}."))
            cells.append(", ".join(f"{found[verdict]} {verdict}" for verdict in sorted(found)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def failures(half: dict[str, str]) -> dict[str, str]:
    return {case: verdict for case, verdict in half.items() if verdict not in PASSED}


def test_both_halves_pass_autobahn(tmp_path: Path) -> None:
    folders = [tmp_path / "client", tmp_path / "edge"]
    for folder in folders:
        folder.mkdir()
    client, edge = of_the_client(folders[0]), of_the_edge(folders[1])
    assert (failures(client), failures(edge)) == ({}, {})
    assert len(client) == len(edge) > 240
    assert rows(client, edge) in PAGE.read_text(), rows(client, edge)
