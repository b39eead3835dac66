"""Hostile clients: the edge bounds its memory and descriptors, counts correctly, and still serves the others."""

from __future__ import annotations

import gzip
import json
import re
import resource
import socket
import struct
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edge.conftest import GENEROUS, StartEdge
from tests.edge.softphone import BASIC, GRANT, Softphone, balanced, eventually, offer_body, ready
from tests.edge_process import EdgeProcess, running_edge
from tests.resources import peak_bytes

TIMEOUT_S = 30.0  # only reached if a test fails
SHORT_TIMEOUT = GENEROUS + "request_timeout: 1s\n"
HALF_OPEN = 5000
FLOOD_S = 1.0
MB = 1024 * 1024
MAX_GROWTH = 64 * MB
HALF_A_HEAD = b"GET /signaling HTTP/1.1\r\nHost: edge\r\nUpgrade: websocket\r\n"


def dial(edge: EdgeProcess, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(edge.address, timeout=TIMEOUT_S)
    connection.sendall(sent)
    return connection


def received(connection: socket.socket) -> bytes:
    """Everything that arrives until the edge closes."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def posting(path: str, authorization: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: edge", f"Authorization: {authorization}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


@contextmanager
def bounded_memory(edge: EdgeProcess, most: int = MAX_GROWTH) -> Iterator[None]:
    before = peak_bytes(edge.process.pid)
    yield
    assert peak_bytes(edge.process.pid) - before < most


@pytest.fixture(scope="module")
def short_timeout_edge() -> Iterator[EdgeProcess]:
    """A shared edge with a short request_timeout: compare its counters before and after."""
    with running_edge(SHORT_TIMEOUT) as running:
        yield running
        eventually(lambda: balanced(running.stats()))


def refused(edge: EdgeProcess, step: str) -> Counter[str]:
    return Counter(edge.stats()["steps"][step]["refused"])


# Slow clients


def test_half_open_handshakes_are_closed_in_time_and_others_are_still_served(start_edge: StartEdge) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed[1], allowed[1]))
    edge = start_edge(GENEROUS + "request_timeout: 5s\n")
    process = psutil.Process(edge.process.pid)
    at_rest = process.num_fds()
    try:
        with bounded_memory(edge, HALF_OPEN * 16 * 1024), ExitStack() as stack:
            for _ in range(min(HALF_OPEN, allowed[1] - 500)):
                stack.enter_context(dial(edge, HALF_A_HEAD))
            phone = Softphone(edge)
            with phone.connect() as websocket:
                assert phone.offer(ready(websocket)).status == 201
                eventually(
                    lambda: process.num_fds() <= at_rest + 2
                )  # except the WebSocket, and its client's last request
                websocket.ping().wait(TIMEOUT_S)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
    handshakes = edge.stats()["steps"]["handshake"]
    assert (handshakes["requests"], handshakes["admitted"]) == (1, 1)


def drip(connection: socket.socket) -> bytes:
    """Send a byte now and then until the edge closes the connection; returns the response."""
    connection.settimeout(0.1)
    while True:
        try:
            connection.sendall(b"X")
            return received(connection) if connection.recv(1, socket.MSG_PEEK) else b""
        except TimeoutError:
            continue
        except ConnectionError:
            return b""


@pytest.mark.parametrize("go_on", [received, drip], ids=["silent", "a byte at a time"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", None),
        (b"GET /sig", None),
        (HALF_A_HEAD + b"X: ", None),
        (posting("/oauth/token", BASIC, "Content-Length: 9999"), 408),
        (posting("/oauth/token", BASIC, "Transfer-Encoding: chunked") + b"fff\r\n", 408),
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a chunk"],
)
def test_connections_of_slow_clients_are_closed(
    short_timeout_edge: EdgeProcess, sent: bytes, status: int | None, go_on: Callable[[socket.socket], bytes]
) -> None:
    before = refused(short_timeout_edge, "token")
    with dial(short_timeout_edge, sent) as connection:
        response = go_on(connection)
    if status is None:
        assert not response or status_of(response) == 400  # by aiohttp, because no method starts like this
    else:
        assert status_of(response) == status
    assert refused(short_timeout_edge, "token") - before == ({} if status is None else {"408": 1})


def test_a_body_that_arrives_in_parts_but_in_time_is_accepted(edge: EdgeProcess) -> None:
    with dial(edge, posting("/oauth/token", BASIC, f"Content-Length: {len(GRANT)}", "Connection: close")) as connection:
        for byte in GRANT:
            connection.sendall(bytes([byte]))
        assert status_of(received(connection)) == 200


# Large requests


@pytest.mark.parametrize("header", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(("known", "status"), [(True, 413), (False, 401)])
def test_an_offer_of_a_gigabyte_is_refused_and_not_kept_in_memory(
    short_timeout_edge: EdgeProcess, header: str, known: bool, status: int
) -> None:
    before = refused(short_timeout_edge, "offer")
    authorization = Softphone(short_timeout_edge).headers["Authorization"] if known else "Bearer guessed"
    with (
        bounded_memory(short_timeout_edge),
        dial(short_timeout_edge, posting("/api/v2/media/offer", authorization, header)) as connection,
    ):
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with suppress(ConnectionError):
            for _ in range(1_000_000_000 // len(chunk)):
                connection.sendall(chunk)
    assert refused(short_timeout_edge, "offer") - before == {str(status): 1}


def test_a_compressed_body_is_not_unpacked(edge: EdgeProcess) -> None:
    with bounded_memory(edge):
        bomb = gzip.compress(bytes(60 * MB))
        assert len(bomb) < 64 * 1024
        response = edge.request("POST", "/oauth/token", bomb, {"Authorization": BASIC, "Content-Encoding": "gzip"})
    assert response.status == 400


@pytest.mark.parametrize(
    "head",
    [
        b"GET /signaling HTTP/1.1\r\nX: " + b"x" * MB,
        b"GET /signaling HTTP/1.1\r\n" + b"X: y\r\n" * 200_000,
        b"GET /" + b"x" * MB,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 1000,
        b"\0" * MB,
    ],
    ids=["a long header", "many headers", "a long path", "TLS", "zeros"],
)
def test_bytes_that_are_not_http_are_refused_without_a_log_line(edge: EdgeProcess, head: bytes) -> None:
    with bounded_memory(edge), closing(socket.create_connection(edge.address, timeout=TIMEOUT_S)) as connection:
        with suppress(ConnectionError):
            connection.sendall(head + b"\r\n\r\n")
        response = received(connection)
    assert not response or status_of(response) == 400


# Floods


def upgraded(edge: EdgeProcess, phone: Softphone) -> socket.socket:
    """A WebSocket that is not read unless the test does."""
    lines = ["GET /signaling HTTP/1.1", "Host: edge", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {b64encode(bytes(16)).decode()}"]
    lines += [f"{name}: {value}" for name, value in phone.headers.items()]
    connection = dial(edge, "\r\n".join([*lines, "", ""]).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert status_of(head) == 101
    return connection


def masked(opcode: int, payload: bytes) -> bytes:
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


@pytest.mark.parametrize(
    "frames",
    [masked(9, b"ping" * 20) * 100, masked(1, b"x" * 0xFFFF), masked(10, b"") * 1000, masked(1, b"") * 1000],
    ids=["pings", "long messages", "pongs", "empty messages"],
)
def test_a_flood_of_frames_from_a_client_that_never_reads_is_survived(edge: EdgeProcess, frames: bytes) -> None:
    phone = Softphone(edge)
    with bounded_memory(edge), upgraded(edge, phone) as flooding:
        flooding.settimeout(FLOOD_S / 4)
        until_s = time.monotonic() + FLOOD_S
        with suppress(TimeoutError, ConnectionError):  # a client that does not read its pongs is cut
            while time.monotonic() < until_s:
                flooding.sendall(frames)
        with Softphone(edge, "bob").connect() as websocket:  # other clients are served meanwhile
            ready(websocket)
    eventually(lambda: edge.stats()["sessions"]["open"] == 0)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\xff" + struct.pack("!Q", 1_000_000_000) + bytes(4), 1009),
        (b"\x81\xff" + struct.pack("!Q", 2**63) + bytes(4), 1002),
        (b"\x89\xfe" + struct.pack("!H", 1000) + bytes(4), 1002),
        (b"\x83\x80" + bytes(4), 1002),
        (b"\xf1\x80" + bytes(4), 1002),
        (masked(1, b"\xff\xfe"), 1007),
        (masked(8, b"\x03\xee"), 1002),
        (masked(8, b"x"), 1002),
        (b"\x01\x81" + bytes(4) + b"x" + masked(1, b"y"), 1002),
        (b"\x80\x81" + bytes(4) + b"x", 1002),
    ],
    ids=["1 GB", "2^63", "a long ping", "opcode 3", "rsv", "not UTF-8", "close 1006", "half a code", "two", "no first"],
)
def test_a_frame_that_is_not_allowed_ends_only_its_session(edge: EdgeProcess, frame: bytes, code: int) -> None:
    phone, before = Softphone(edge), Counter(edge.stats()["closes"])
    with bounded_memory(edge), upgraded(edge, phone) as connection:
        connection.sendall(frame)
        with suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"x" * 65536)
        eventually(lambda: Counter(edge.stats()["closes"]) - before == {str(code): 1})


def test_an_edge_that_ran_out_of_descriptors_serves_again_once_some_are_free() -> None:
    with running_edge(GENEROUS, most_descriptors=64) as edge:
        with ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(dial(edge, HALF_A_HEAD))
        phone = Softphone(edge)

        def served_again() -> bool:
            with suppress(ConnectionError):  # without a descriptor libuv accepts a connection and closes it
                return phone.request_token().status == 200
            return False

        eventually(served_again)
        with phone.connect() as websocket:
            assert phone.offer(ready(websocket)).status == 201


# Requests without authorization


NAMES = st.sampled_from(["locust-softphone", "umbrella", "nobody", "", "ümläut", "a:b"])
AUTHORIZATIONS = st.one_of(
    st.builds(lambda name, secret: f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}", NAMES, st.text()),
    st.builds("Bearer {}".format, st.text(st.characters(min_codepoint=33, max_codepoint=255))),
    st.text(st.characters(min_codepoint=32, max_codepoint=255)),
    st.sampled_from(["Basic", "Bearer", "Bearer ", "Basic ====", "Basic " + "A" * 4000, "Negotiate x"]),
)
STEP_OF = {"/oauth/token": "token", "/signaling": "handshake", "/api/v2/media/offer": "offer"}
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([GRANT, offer_body("x"), b"[" * 60_000, b'{"a":' * 20_000, b"\xff" * 1000, b"{}", b"null"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "get", "OPTIONS"]),
    st.one_of(st.sampled_from([*STEP_OF, "/signaling?x", "//signaling", "/stats", "/"]), st.text(max_size=20)),
    AUTHORIZATIONS,
    st.lists(
        st.sampled_from(["Upgrade: websocket", "Connection: Upgrade", "X-Softphone-Id: alice", "Expect: x", ": "])
    ),
    BODIES,
)
def test_requests_without_authorization_are_refused_and_counted(
    edge: EdgeProcess, method: str, path: str, authorization: str, headers: list[str], body: bytes
) -> None:
    before = edge.stats()["steps"]
    lines = [f"{method} {path} HTTP/1.1", "Host: edge", f"Authorization: {authorization}", *headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""])
    with dial(edge, head.encode("utf-8", "surrogatepass") + body) as connection:
        response = received(connection)
    after = edge.stats()["steps"]
    statuses = [int(found) for found in re.findall(rb"(?m)^HTTP/1\.[01] (\d{3})", response)]
    assert all(400 <= status < 500 for status in statuses if path != "/stats"), response
    counted = Counter[int]()
    for step, counts in after.items():
        assert counts["admitted"] == before[step]["admitted"]
        for status, count in counts["refused"].items():
            counted[int(status)] += count - before[step]["refused"].get(status, 0)
    by_edge = b"contextId" in response  # otherwise by aiohttp, for something that is not a request
    assert +counted == Counter(
        statuses if path.partition("?")[0] in STEP_OF and by_edge and 405 not in statuses else []
    )


def test_a_token_is_not_accepted_for_another_organisations_session(start_edge: StartEdge) -> None:
    edge = start_edge(GENEROUS)
    umbrella = Softphone(edge, "eve", "Basic " + b64encode(b"umbrella:other").decode())
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        assert umbrella.offer(session).status == 409
        assert phone.offer(session).status == 201
    assert balanced(edge.stats())


def test_deeply_nested_json_is_refused(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    for body in (b"[" * 65_000, b'{"sdp":' * 9_000, json.dumps({"sessionId": ["x"], "sdp": {}}).encode()):
        response = edge.request("POST", "/api/v2/media/offer", body, phone.headers)
        assert response.status == 400


@pytest.mark.parametrize("ends_with", ["FIN", "RST"])
def test_clients_that_leave_before_their_upgrade_cost_nothing(edge: EdgeProcess, ends_with: str) -> None:
    """The edge must not even log them: its output may go to a pipe that nobody reads."""
    token = edge.request("POST", "/oauth/token", GRANT, {"Authorization": BASIC}).json()["access_token"]
    upgrade = (
        f"GET /signaling HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    for _ in range(100):
        with dial(edge, upgrade) as connection:
            if ends_with == "RST":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: edge.stats()["sessions"]["open"] == 0)
