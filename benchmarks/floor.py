"""The floor: the bytes of a softphone's calls by bare sockets on gevent's loop, with nothing checked, timed or counted.

    connect ── upgrade ──► 101, ready      connect ── POST offer ──► answer      bye, close 1000 ──► close frame

What a load generator in Python on gevent cannot do without: the system calls, the loop and a switch of greenlets for
each wait; over TLS, OpenSSL, with the project's settings and calls, and with sessions resumed. ``cpu_per_call.py``
runs it beside the tools:

    floor.py USERS CALLS EVERY_S      each of the users starts a call every so often; 0 for back to back

EDGE is the edge's address, SDP the offer, CA the PEM file of its authority.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from ssl import create_default_context
from urllib.parse import urlsplit

import gevent
from gevent import get_hub, getcurrent
from OpenSSL import SSL

from locust_softphone.signaling.openssl import OpenSslConnection
from locust_softphone.signaling.tls import TlsContext

TIMEOUT_S = 20.0
READ_SIZE = 16_384
READ, WRITE = 1, 2  # gevent's loop.io
CLOSE_FRAME = b"\x88"  # RFC 6455 5.2
SESSION_ID = re.compile(rb'"session": *"([^"]+)"')
KEY = b"\x12\x34\x56\x78"
UPGRADE = (
    "GET /signaling HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)
OFFER = (
    "POST /api/v2/media/offer HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Type: application/json\r\n"
    "Content-Length: {length}\r\n\r\n"
)


def frame(opcode: int, payload: bytes) -> bytes:
    """A short final frame, masked (RFC 6455 5.2, 5.3)."""
    masked = bytes(byte ^ KEY[index % 4] for index, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + KEY + masked


GOODBYE = frame(1, b'{"type":"bye"}') + frame(8, (1000).to_bytes(2, "big"))


class Caller:
    """One user.

    Args:
        url: the edge's address.
        number: of the user.
        token: a bearer token.
        tls: for https and wss.
    """

    def __init__(self, url: str, number: int, token: str, tls: TlsContext | None) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._address = parts.hostname, parts.port
        headers = (
            "User-Agent: locust-softphone/0.0.0\r\n"
            f"X-Softphone-Id: floor-{number}\r\nX-Attempt-Id: floor-{number:06}\r\nAuthorization: Bearer {token}\r\n"
        )
        self._upgrade = UPGRADE.format(host=parts.netloc, headers=headers).encode()
        message = json.dumps({"sessionId": "%s", "type": "offer", "sdp": os.environ["SDP"]})
        length = len(message) - 2  # and the session's id
        head = OFFER.format(host=parts.netloc, headers=headers, length="{}").replace("%", "%%")
        self._head, self._message, self._length = head, message, length
        self._tls = tls
        self._session: SSL.Session | None = None

    def calls(self, first_s: float, count: int, every_s: float) -> None:
        for index in range(count):
            gevent.sleep(max(first_s + index * every_s - time.perf_counter(), 0.0))
            self.call()

    def call(self) -> None:
        websocket = Wire(self._address, self._tls, self._session)
        websocket.send(self._upgrade)
        ready = websocket.receive(lambda data: data.endswith(b"}"))
        found = SESSION_ID.search(ready)
        assert found, ready
        session = found[1].decode()
        self._session = websocket.session()
        http = Wire(self._address, self._tls, self._session)
        http.send((self._head.format(self._length + len(session)) + self._message.replace("%s", session)).encode())
        answer = http.receive(lambda data: data.endswith(b"}"))
        assert b" 201 " in answer, answer
        self._session = http.session()
        http.close()
        websocket.send(GOODBYE)
        websocket.receive(lambda data: data.startswith(CLOSE_FRAME))
        websocket.close()


class Wire:
    """One connection.

    Args:
        address: of the edge, on this machine.
        tls: for TLS.
        session: the TLS session to resume.
    """

    def __init__(self, address: tuple[str, int], tls: TlsContext | None, session: SSL.Session | None) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watcher = get_hub().loop.io(self._socket.fileno(), READ)
        if self._socket.connect_ex(address) == errno.EINPROGRESS:
            self._socket.connect_ex(address)  # completes a connection to this machine
        self._tls: OpenSslConnection | None = None
        if tls:
            self._tls = OpenSslConnection(tls.openssl)
            if session:
                self._tls.set_session(session)
            while not self._tls.continue_handshake():
                self._socket.send(self._tls.to_send())
                self._tls.receive(self._read())
            if tls.group is None:
                tls.host_chose(self._tls.get_group_name())

    def send(self, data: bytes) -> None:
        if self._tls:
            self._tls.encrypt(data)
            data = self._tls.to_send()
        sent = self._socket.send(data)
        assert sent == len(data)

    def receive(self, complete: Callable[[bytes], bool]) -> bytes:
        data = b""
        while not complete(data):
            data += self._decrypted(self._tls) if self._tls else self._read()
        return data

    def session(self) -> SSL.Session | None:
        """The TLS session, to be resumed by the next connection."""
        return self._tls.get_session() if self._tls else None

    def close(self) -> None:
        if self._tls:
            self._tls.shutdown()
            self._socket.send(self._tls.to_send())
        self._watcher.close()
        self._socket.close()

    def _decrypted(self, tls: OpenSslConnection) -> bytes:
        while (part := tls.decrypted()) is None:
            tls.receive(self._read())
        return part

    def _read(self) -> bytes:
        self._wait()  # an answer is never there at once
        part = self._socket.recv(READ_SIZE)
        assert part, "the edge has closed"
        return part

    def _wait(self) -> None:
        watcher = self._watcher
        watcher.start(getcurrent().switch)
        get_hub().switch()
        watcher.stop()


def fetch_token(url: str) -> str:
    basic = base64.b64encode(b"locust-softphone:simulated").decode()
    request = urllib.request.Request(f"{url}/oauth/token", b"grant_type=client_credentials")
    request.add_header("Authorization", f"Basic {basic}")
    context = create_default_context(cafile=os.environ["CA"]) if os.environ["CA"] else None
    with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:
        return str(json.load(answer)["access_token"])


def tls_context(ca: str) -> TlsContext:
    context = TlsContext(ca)
    context.openssl.set_verify(SSL.VERIFY_PEER)  # the chain; not the host, and nothing is counted
    return context


def main() -> int:
    users, calls, every_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    url, ca = os.environ["EDGE"], os.environ["CA"]
    token, tls, begin_s = fetch_token(url), tls_context(ca) if ca else None, time.perf_counter()
    greenlets = [
        gevent.spawn(Caller(url, number, token, tls).calls, begin_s + number * every_s / users, calls, every_s)
        for number in range(users)
    ]
    gevent.joinall(greenlets, raise_error=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
