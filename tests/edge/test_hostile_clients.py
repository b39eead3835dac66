"""Clients that mean harm: the edge keeps its memory, its descriptors, its counters and its temper."""

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

PATIENT_S = 30.0  # a bound for a test that has gone wrong
HASTY = GENEROUS + "request_timeout: 1s\n"
HALF_OPEN = 5000
FLOOD_S = 1.0
MB = 1024 * 1024
MOST_GROWTH = 64 * MB
HALF_A_HEAD = b"GET /signaling HTTP/1.1\r\nHost: edge\r\nUpgrade: websocket\r\n"


def dial(edge: EdgeProcess, said: bytes = b"") -> socket.socket:
    connection = socket.create_connection(edge.address, timeout=PATIENT_S)
    connection.sendall(said)
    return connection


def heard(connection: socket.socket) -> bytes:
    """All that comes until the edge closes."""
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
def holding_its_memory(edge: EdgeProcess, most: int = MOST_GROWTH) -> Iterator[None]:
    before = peak_bytes(edge.process.pid)
    yield
    assert peak_bytes(edge.process.pid) - before < most


@pytest.fixture(scope="module")
def hasty() -> Iterator[EdgeProcess]:
    """An edge with little time for anybody, shared: compare its counters."""
    with running_edge(HASTY) as running:
        yield running
        eventually(lambda: balanced(running.stats()))


def refused(edge: EdgeProcess, step: str) -> Counter[str]:
    return Counter(edge.stats()["steps"][step]["refused"])


# Slow


def test_half_open_handshakes_are_closed_in_time_and_nobody_else_notices(start_edge: StartEdge) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed[1], allowed[1]))
    edge = start_edge(GENEROUS + "request_timeout: 5s\n")
    process = psutil.Process(edge.process.pid)
    at_rest = process.num_fds()
    try:
        with holding_its_memory(edge, HALF_OPEN * 16 * 1024), ExitStack() as stack:
            for _ in range(min(HALF_OPEN, allowed[1] - 500)):
                stack.enter_context(dial(edge, HALF_A_HEAD))
            phone = Softphone(edge)
            with phone.connect() as websocket:
                assert phone.offer(ready(websocket)).status == 201
                eventually(lambda: process.num_fds() <= at_rest + 2)  # all but the WebSocket, and its client's last
                websocket.ping().wait(PATIENT_S)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
    handshakes = edge.stats()["steps"]["handshake"]
    assert (handshakes["requests"], handshakes["admitted"]) == (1, 1)


def drip(connection: socket.socket) -> bytes:
    """Send a byte now and then until the edge has had enough of it; returns what it said."""
    connection.settimeout(0.1)
    while True:
        try:
            connection.sendall(b"X")
            return heard(connection) if connection.recv(1, socket.MSG_PEEK) else b""
        except TimeoutError:
            continue
        except ConnectionError:
            return b""


@pytest.mark.parametrize("go_on", [heard, drip], ids=["silent", "a byte at a time"])
@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"", None),
        (b"GET /sig", None),
        (HALF_A_HEAD + b"X: ", None),
        (posting("/oauth/token", BASIC, "Content-Length: 9999"), 408),
        (posting("/oauth/token", BASIC, "Transfer-Encoding: chunked") + b"fff\r\n", 408),
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a chunk"],
)
def test_the_slow_are_closed(
    hasty: EdgeProcess, said: bytes, status: int | None, go_on: Callable[[socket.socket], bytes]
) -> None:
    before = refused(hasty, "token")
    with dial(hasty, said) as connection:
        response = go_on(connection)
    if status is None:
        assert not response or status_of(response) == 400  # of aiohttp, which knows no method that begins so
    else:
        assert status_of(response) == status
    assert refused(hasty, "token") - before == ({} if status is None else {"408": 1})


def test_a_body_that_comes_in_parts_but_in_time_is_taken(edge: EdgeProcess) -> None:
    with dial(edge, posting("/oauth/token", BASIC, f"Content-Length: {len(GRANT)}", "Connection: close")) as connection:
        for byte in GRANT:
            connection.sendall(bytes([byte]))
        assert status_of(heard(connection)) == 200


# Large


@pytest.mark.parametrize("header", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(("known", "status"), [(True, 413), (False, 401)])
def test_a_gigabyte_of_an_offer_is_refused_and_never_held(
    hasty: EdgeProcess, header: str, known: bool, status: int
) -> None:
    before = refused(hasty, "offer")
    authorization = Softphone(hasty).headers["Authorization"] if known else "Bearer guessed"
    with holding_its_memory(hasty), dial(hasty, posting("/api/v2/media/offer", authorization, header)) as connection:
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with suppress(ConnectionError):
            for _ in range(1_000_000_000 // len(chunk)):
                connection.sendall(chunk)
    assert refused(hasty, "offer") - before == {str(status): 1}


def test_a_compressed_body_is_not_unpacked(edge: EdgeProcess) -> None:
    with holding_its_memory(edge):
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
def test_what_is_no_request_is_refused_without_a_word_in_the_log(edge: EdgeProcess, head: bytes) -> None:
    with holding_its_memory(edge), closing(socket.create_connection(edge.address, timeout=PATIENT_S)) as connection:
        with suppress(ConnectionError):
            connection.sendall(head + b"\r\n\r\n")
        response = heard(connection)
    assert not response or status_of(response) == 400


# Floods


def upgraded(edge: EdgeProcess, phone: Softphone) -> socket.socket:
    """A WebSocket that nobody reads unless told to."""
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
def test_a_flood_of_frames_by_a_client_that_never_reads(edge: EdgeProcess, frames: bytes) -> None:
    phone = Softphone(edge)
    with holding_its_memory(edge), upgraded(edge, phone) as flooding:
        flooding.settimeout(FLOOD_S / 4)
        until_s = time.monotonic() + FLOOD_S
        with suppress(TimeoutError):
            while time.monotonic() < until_s:
                flooding.sendall(frames)
        with Softphone(edge, "bob").connect() as websocket:  # somebody else is served meanwhile
            ready(websocket)
    eventually(lambda: edge.stats()["sessions"]["open"] == 0)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\xff" + struct.pack("!Q", 1_000_000_000) + bytes(4), 1009),
        (b"\x81\xff" + struct.pack("!Q", 2**63) + bytes(4), 1009),
        (b"\x89\xfe" + struct.pack("!H", 1000) + bytes(4), 1002),
        (b"\x83\x80" + bytes(4), 1002),
        (b"\xf1\x80" + bytes(4), 1002),
        (masked(1, b"\xff\xfe"), 1007),
        (masked(8, b"\x03\xee"), 1002),
        (masked(8, b"x"), 1002),
        (b"\x01\x81" + bytes(4) + b"x" + masked(1, b"y"), 1002),
        (b"\x80\x81" + bytes(4) + b"x", 1002),
    ],
    ids=["1 GB", "2^63", "a long ping", "opcode 3", "rsv", "no UTF-8", "close 1006", "half a code", "two", "no first"],
)
def test_a_frame_that_is_not_allowed_ends_its_session_alone(edge: EdgeProcess, frame: bytes, code: int) -> None:
    phone, before = Softphone(edge), Counter(edge.stats()["closes"])
    with holding_its_memory(edge), upgraded(edge, phone) as connection:
        connection.sendall(frame)
        with suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"x" * 65536)
        eventually(lambda: Counter(edge.stats()["closes"]) - before == {str(code): 1})


def test_an_edge_without_descriptors_goes_on_when_there_are_some_again() -> None:
    with running_edge(GENEROUS, most_descriptors=64) as edge:
        with ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(dial(edge, HALF_A_HEAD))
        phone = Softphone(edge)

        def served_again() -> bool:
            with suppress(ConnectionError):  # for want of a descriptor libuv takes a connection and closes it
                return phone.request_token().status == 200
            return False

        eventually(served_again)
        with phone.connect() as websocket:
            assert phone.offer(ready(websocket)).status == 201


# Liars


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
def test_whoever_is_not_authorised_gets_nothing_and_is_counted_as_refused(
    edge: EdgeProcess, method: str, path: str, authorization: str, headers: list[str], body: bytes
) -> None:
    before = edge.stats()["steps"]
    lines = [f"{method} {path} HTTP/1.1", "Host: edge", f"Authorization: {authorization}", *headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""])
    with dial(edge, head.encode("utf-8", "surrogatepass") + body) as connection:
        response = heard(connection)
    after = edge.stats()["steps"]
    statuses = [int(found) for found in re.findall(rb"(?m)^HTTP/1\.[01] (\d{3})", response)]
    assert all(400 <= status < 500 for status in statuses if path != "/stats"), response
    counted = Counter[int]()
    for step, counts in after.items():
        assert counts["admitted"] == before[step]["admitted"]
        for status, count in counts["refused"].items():
            counted[int(status)] += count - before[step]["refused"].get(status, 0)
    told = b"contextId" in response  # by the edge, not by aiohttp for what is no request
    assert +counted == Counter(statuses if path.partition("?")[0] in STEP_OF and told and 405 not in statuses else [])


def test_a_token_in_use_is_not_taken_for_another_organisations_session(start_edge: StartEdge) -> None:
    edge = start_edge(GENEROUS)
    umbrella = Softphone(edge, "eve", "Basic " + b64encode(b"umbrella:other").decode())
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        assert umbrella.offer(session).status == 409
        assert phone.offer(session).status == 201
    assert balanced(edge.stats())


def test_nested_json_is_an_answer_like_any_other(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    for body in (b"[" * 65_000, b'{"sdp":' * 9_000, json.dumps({"sessionId": ["x"], "sdp": {}}).encode()):
        response = edge.request("POST", "/api/v2/media/offer", body, phone.headers)
        assert response.status == 400
