"""An edge that works, except for given faults; each fault happens once, at one step.

    with scripted_edge({"offer": [says(b"HTTP/1.1 500 Oops…")]}) as url:
        …                                       the first offer meets the fault, the second gets an answer

A fault at ``hold`` happens to the WebSocket once its offer has been answered.
"""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from locust_softphone.sdp import make_answer, parse
from tests.signaling.scripted_server import accept_lines, close_frame, frame

__all__ = ["Fault", "Visit", "answer", "reply", "scripted_edge", "upgraded"]

STEP_OF = {"/oauth/token": "token", "/signaling": "handshake", "/api/v2/media/offer": "offer"}
PATIENCE_S = 30.0
SESSION = "the-session"


@dataclass(frozen=True)
class Visit:
    """A request, and the connection that it came on."""

    connection: socket.socket
    head: bytes
    body: bytes


Fault = Callable[[Visit], None]
"""Called instead of answering; then the connection is closed."""


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answer(body: bytes) -> dict[str, str]:
    """The answer to the offer in a request's body."""
    offer = json.loads(body)
    text = make_answer(parse(offer["sdp"]), random.Random(0))
    return {"sessionId": offer["sessionId"], "type": "answer", "sdp": text}


def upgraded(visit: Visit) -> bytes:
    """The 101 response to a handshake."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nX-Session-Id: " + SESSION.encode() + b"\r\n"
    return head + accept_lines(visit.head) + b"\r\n"


@dataclass
class _Edge:
    faults: Mapping[str, Sequence[Fault]]
    answered: threading.Event = field(default_factory=threading.Event)
    _met: dict[str, int] = field(default_factory=dict)

    def fault(self, step: str) -> Fault | None:
        met = self._met.get(step, 0)
        self._met[step] = met + 1
        faults = self.faults.get(step, ())
        return faults[met] if met < len(faults) else None

    def serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE_S)
            while (visit := _read(connection)) is not None:
                step = STEP_OF.get(visit.head.split(b" ")[1].decode(), "other")
                fault = self.fault(step) or (self.fault("ready") if step == "handshake" else None)
                if fault is not None:
                    fault(visit)
                    return
                getattr(self, f"_{step}")(visit)

    def _other(self, visit: Visit) -> None:
        visit.connection.sendall(reply("404 Not Found"))

    def _token(self, visit: Visit) -> None:
        visit.connection.sendall(reply("200 OK", b'{"access_token": "t", "expires_in": 3600}'))

    def _offer(self, visit: Visit) -> None:
        visit.connection.sendall(reply("201 Created", json.dumps(answer(visit.body)).encode()))
        self.answered.set()

    def _handshake(self, visit: Visit) -> None:
        connection = visit.connection
        ready = json.dumps({"type": "ready", "session": SESSION}).encode()
        self.answered.clear()
        connection.sendall(upgraded(visit) + frame(1, ready))
        if "hold" in self.faults and self.answered.wait(PATIENCE_S) and (fault := self.fault("hold")):
            fault(visit)
        while b"\x88" not in (data := connection.recv(4096)):  # until its close frame
            if not data:
                return
        connection.sendall(close_frame(1000))


def _read(connection: socket.socket) -> Visit | None:
    """The next request, or None when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    while found and len(body) < int(found[1]):
        body += connection.recv(65536)
    return Visit(connection, head, body)


@contextmanager
def scripted_edge(faults: Mapping[str, Sequence[Fault]]) -> Iterator[str]:
    """Run the edge on a free port; yields its URL."""
    edge = _Edge(faults)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):  # the listener is closed
                while True:
                    threading.Thread(target=edge.serve, args=(listener.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)
