"""How sessions become ready, and every way in which they end."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from tests.edge.conftest import StartEdge
from tests.edge.softphone import Softphone, eventually, ready
from tests.edge_process import EdgeProcess

QUEUED = "setup: {rate: 30/min, burst: 1}"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: no FIN, a RST


@contextmanager
def raw_websocket(phone: Softphone) -> Iterator[socket.socket]:
    """A WebSocket on a plain socket, read up to ``ready``; it answers nothing by itself."""
    lines = [
        "GET /signaling HTTP/1.1",
        "Host: edge",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in phone.headers.items()),
    ]
    with socket.create_connection(phone.edge.address, timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        received = b""
        while b'"ready"' not in received or not received.endswith(b"}"):
            received += connection.recv(4096)
        yield connection


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455 5.2); the mask of zeros changes nothing."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


def not_final(frame: bytes) -> bytes:
    return bytes((frame[0] & 0x7F,)) + frame[1:]


def test_sessions_queue_to_become_ready(start_edge: StartEdge) -> None:
    edge = start_edge(QUEUED)
    with Softphone(edge, "a").connect() as first, Softphone(edge, "b").connect() as second:
        ready(first)
        assert edge.stats()["ready"] == 1
        ready(second)
        assert edge.stats()["ready"] == 2


def test_an_offer_before_ready_is_refused_and_its_websocket_cut(start_edge: StartEdge) -> None:
    edge = start_edge(QUEUED)
    with Softphone(edge, "a").connect(), Softphone(edge, "b").connect() as second:
        assert second.response is not None
        assert Softphone(edge, "b").offer(second.response.headers["X-Session-Id"]).status == 409
        with pytest.raises(ConnectionClosed) as closed:
            second.recv(timeout=20)
        assert closed.value.rcvd is None  # no close frame: 1006
    assert {cause: times for cause, times in edge.stats()["cuts"].items() if times} == {"early_offer": 1}
    assert edge.stats()["steps"]["offer"]["refused"] == {"409": 1}


def test_the_websocket_of_an_unanswered_offer_is_cut_after_the_deadline(start_edge: StartEdge) -> None:
    edge = start_edge("{limits: {offer: {rate: 1/min, burst: 1}}, offer_deadline: 200ms}")
    answered, refused = Softphone(edge, "a"), Softphone(edge, "b")
    with answered.connect() as first, refused.connect() as second:
        assert answered.offer(ready(first)).status == 201
        assert refused.offer(ready(second)).status == 429
        with pytest.raises(ConnectionClosed) as closed:
            second.recv(timeout=20)
        assert closed.value.rcvd is None
        first.ping().wait(20)  # the answered session is still open
    assert edge.stats()["cuts"]["offer_deadline"] == 1
    assert edge.stats()["sessions"]["answered"] == 1


def test_an_answer_in_time_cancels_the_deadline(start_edge: StartEdge) -> None:
    edge = start_edge(
        "{limits: {offer: {rate: 20/s, burst: 1}}, offer_deadline: 2s, max_early_retries: 1000, ping_every: 2500ms}"
    )
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        while phone.offer(session).status == 201:  # until one is refused, which starts the deadline
            pass
        eventually(lambda: phone.offer(session).status == 201)
        eventually(lambda: edge.stats()["pings"] == 1)  # the edge's first ping comes later than the deadline
        websocket.ping().wait(20)
    assert edge.stats()["cuts"]["offer_deadline"] == 0
    assert edge.stats()["sessions"]["answered"] == 1


def test_client_and_edge_answer_each_others_pings(start_edge: StartEdge) -> None:
    edge = start_edge("ping_every: 300ms")
    with Softphone(edge).connect() as websocket:
        ready(websocket)
        assert websocket.ping(b"hello").wait(20)
        eventually(lambda: bool(edge.stats()["pongs"] >= 2))
        assert edge.stats()["pings"] >= 2


def test_a_client_that_answers_no_ping_is_cut(start_edge: StartEdge) -> None:
    edge = start_edge("ping_every: 50ms")
    with raw_websocket(Softphone(edge)) as connection:
        assert connection.recv(2) == b"\x89\x00"  # a ping
        assert connection.recv(1) == b""  # cut, without a close frame
    assert edge.stats()["cuts"]["pong_timeout"] == 1
    assert (edge.stats()["pings"], edge.stats()["pongs"]) == (1, 0)


@pytest.mark.parametrize(
    ("frames", "ending"),
    [
        (masked(8, b"\x03\xe8"), "1000"),
        (masked(1, json.dumps({"type": "bye"}).encode()) + masked(8, b"\x03\xe8"), "1000"),
        (masked(8, b"\x0f\xa1why"), "4001"),  # a code for applications, RFC 6455 7.4.2
        (masked(8, b""), "1005"),  # no code at all, RFC 6455 7.1.5
        (bytes((0x82, 0xFF)) + struct.pack(">Q", 64 * 1024 + 1) + bytes(4 + 64 * 1024 + 1), "1009"),  # too long
        (b"\x81\x05hello", "1002"),  # not masked, RFC 6455 5.1
        (b"\x89\x02hi", "1002"),
        (b"\x8a\x00", "1002"),
        (b"\x88\x02\x03\xe8", "1002"),
        (b"\xc1\x80" + bytes(4), "1002"),  # a reserved bit, 5.2
        (masked(3, b""), "1002"),  # an opcode that does not exist
        (masked(11, b""), "1002"),
        (b"\x81\xfe\x00\x7d" + bytes(4 + 125), "1002"),  # a length that is not minimal
        (b"\x81\xff" + bytes(6) + b"\xff\xff" + bytes(4 + 0xFFFF), "1002"),
        (masked(0, b"x"), "1002"),  # a continuation of nothing, 5.4
        (not_final(masked(1, b"x")) + masked(1, b"y"), "1002"),
        (not_final(masked(8, b"\x03\xe8")), "1002"),  # control frames are not fragmented, 5.5
        (not_final(masked(9, b"")), "1002"),
        (not_final(masked(10, b"")), "1002"),
        (b"\x89\xfe\x00\x7e" + bytes(4 + 126), "1002"),  # nor longer than 125
        (masked(8, b"x"), "1002"),  # half a code, 5.5.1
        *((masked(8, struct.pack(">H", code)), "1002") for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),  # 7.4
        (masked(1, b"\xff"), "1007"),  # not UTF-8, 8.1
        (not_final(masked(1, b"\xf0\x9f")) + masked(0, b"\x92"), "1007"),
        (masked(8, b"\x03\xe8\xff\xfe"), "1007"),
    ],
)
def test_a_session_ends_with_a_close_frame_and_is_counted_under_its_code(
    edge: EdgeProcess, frames: bytes, ending: str
) -> None:
    before = edge.stats()
    with raw_websocket(Softphone(edge)) as connection:
        connection.sendall(frames)
        code = b"" if ending == "1005" else struct.pack(">H", int(ending))
        assert connection.recv(100) == bytes((0x88, len(code))) + code  # not masked, RFC 6455 5.1
    eventually(lambda: bool(edge.stats()["sessions"]["open"] == before["sessions"]["open"]))
    assert edge.stats()["closes"].get(ending, 0) == before["closes"].get(ending, 0) + 1
    assert edge.stats()["lost"] == before["lost"]


def test_fragments_and_the_pings_between_them(edge: EdgeProcess) -> None:
    with raw_websocket(Softphone(edge)) as connection:
        frames = not_final(masked(1, b"\xf0\x9f")) + masked(9, b"?") + masked(0, b"\x8e\x89") + masked(8, b"")
        for byte in frames:  # frames that arrive in parts
            connection.sendall(bytes((byte,)))
        assert connection.recv(3, socket.MSG_WAITALL) == b"\x8a\x01?"
        assert connection.recv(2, socket.MSG_WAITALL) == b"\x88\x00"


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_disconnects_without_a_close_frame_is_lost(edge: EdgeProcess, reset: bool) -> None:
    before = edge.stats()
    with raw_websocket(Softphone(edge)) as connection:
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    eventually(lambda: bool(edge.stats()["lost"] == before["lost"] + 1))
    assert edge.stats()["closes"] == before["closes"]


def test_other_messages_are_ignored(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        for message in ("hello", b"\x00" * 1000, "{}", json.dumps({"type": "bye"})):
            websocket.send(message)
        websocket.ping().wait(20)
        assert phone.offer(session).status == 201


def test_all_open_sessions_are_dropped_at_the_same_time_but_only_once(start_edge: StartEdge) -> None:
    edge = start_edge("drop_all_after: 3s")
    phones = [Softphone(edge, name) for name in "abc"]
    with ExitStack() as stack:
        websockets = [stack.enter_context(phone.connect()) for phone in phones]
        for websocket in websockets:
            with pytest.raises(ConnectionClosed) as closed:
                list(websocket)
            assert closed.value.rcvd is None  # no close frame: 1006
    assert edge.stats()["cuts"]["drop_all"] == 3
    with phones[0].connect() as websocket:  # a client that reconnects is not dropped
        ready(websocket)
        assert websocket.ping().wait(20)


TWO_EARLY_RETRIES = "{limits: {offer: {rate: 1/min, burst: 1}}, max_early_retries: 2}"


def test_too_many_early_retries_cut_the_request_and_every_session_of_the_client(start_edge: StartEdge) -> None:
    edge = start_edge(TWO_EARLY_RETRIES)
    alice, bob = Softphone(edge, "alice"), Softphone(edge, "bob")
    with alice.connect() as first, alice.connect() as second, bob.connect() as other:
        session = ready(first)
        assert [alice.offer(session).status for _ in range(4)] == [201, 429, 429, 429]  # two of them early
        with pytest.raises(ConnectionError):
            alice.offer(session)
        for websocket in (first, second):
            with pytest.raises(ConnectionClosed) as closed:
                list(websocket)
            assert closed.value.rcvd is None
        assert bob.offer(ready(other)).status == 429  # bob is not early, and keeps the session
        other.ping().wait(20)
    stats = edge.stats()
    assert stats["cuts"]["early_retries"] == 2
    assert stats["early_retries"] == {"token": 0, "handshake": 0, "offer": 3}
    assert stats["steps"]["offer"] == {"requests": 6, "admitted": 1, "refused": {"429": 4}, "cut": 1}


def test_a_client_without_a_name_is_identified_by_its_token(start_edge: StartEdge) -> None:
    edge = start_edge("{limits: {offer: {rate: 1/min, burst: 1}}, max_early_retries: 0}")
    tokens = [{"Authorization": Softphone(edge).headers["Authorization"]} for _ in range(2)]
    for token in tokens:
        assert edge.request("POST", "/api/v2/media/offer", b"{}", token).status in (400, 429)
    assert (
        edge.request("POST", "/api/v2/media/offer", b"{}", tokens[0]).status == 429
    )  # it was not told to wait, so it is not early
    with pytest.raises(ConnectionError):
        edge.request("POST", "/api/v2/media/offer", b"{}", tokens[1])
