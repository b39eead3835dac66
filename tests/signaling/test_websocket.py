"""WebSocket: how an upgrade is refused, how a connection ends, and how messages are read."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome, abnormal_cause
from locust_softphone.signaling.websocket import Connection
from tests.signaling.scripted_server import (
    Script,
    accept_lines,
    close_frame,
    frame,
    read_head,
    resets,
    says,
    serving,
    switches,
    waits_for_the_client,
)

PATIENT_S = 30.0  # a bound for a test that has gone wrong
SHORT_S = 0.2  # waited for in full, by the few tests of time-outs


def a_refusal(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


def wrong_accept(connection: socket.socket) -> None:
    lines = accept_lines(read_head(connection)).replace(b"Accept: ", b"Accept: x")
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n")


def upgrade_with(right: bytes, changed: bytes) -> Script:
    """Accept the upgrade, but with one part of the response changed."""

    def script(connection: socket.socket) -> None:
        head = b"HTTP/1.1 101 Switching Protocols\r\n" + accept_lines(read_head(connection)) + b"\r\n"
        assert right in head
        connection.sendall(head.replace(right, changed))
        waits_for_the_client(connection)

    return script


def half_a_refusal(connection: socket.socket) -> None:
    read_head(connection)
    connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 900\r\n\r\nToo")


@pytest.mark.parametrize(
    ("script", "outcome", "status", "cause"),
    [
        (says(a_refusal("429 Too Many Requests", "Retry-After: 3")), Outcome.RATE_LIMITED, 429, "refused"),
        (half_a_refusal, Outcome.RATE_LIMITED, 429, "refused"),
        (says(a_refusal("401 Unauthorized")), Outcome.UNAUTHORIZED, 401, "refused"),
        (says(a_refusal("403 Forbidden")), Outcome.UNAUTHORIZED, 403, "refused"),
        (says(a_refusal("404 Not Found")), Outcome.REJECTED, 404, "refused"),
        (says(a_refusal("302 Found", "Location: http://127.0.0.1/")), Outcome.REDIRECTED, 302, "refused"),
        (says(a_refusal("500 Oops")), Outcome.SERVER_ERROR, 500, "refused"),
        (says(a_refusal("502 Bad Gateway")), Outcome.PROXY_ERROR, 502, "proxy"),
        (says(a_refusal("503 Busy", "Retry-After: 1")), Outcome.UNAVAILABLE, 503, "refused"),
        (says(a_refusal("504 Gateway Timeout")), Outcome.PROXY_ERROR, 504, "proxy"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Outcome.MALFORMED, 200, "malformed"),
        (wrong_accept, Outcome.MALFORMED, 101, "malformed"),
        (switches(extra=b"Sec-WebSocket-Protocol: xmpp\r\n"), Outcome.MALFORMED, 101, "malformed"),
        (upgrade_with(b"Connection: Upgrade", b"Connection: upgraded"), Outcome.MALFORMED, 101, "malformed"),
        (upgrade_with(b"Connection: Upgrade", b"Connection: no-upgrade-here"), Outcome.MALFORMED, 101, "malformed"),
        (upgrade_with(b"Connection: Upgrade\r\n", b""), Outcome.MALFORMED, 101, "malformed"),
        (upgrade_with(b"Upgrade: websocket", b"Upgrade: websockets"), Outcome.MALFORMED, 101, "malformed"),
        (upgrade_with(b"HTTP/1.1 101", b"HTTP/1.0 101"), Outcome.MALFORMED, 101, "malformed"),
        (switches(extra=b"Sec-WebSocket-Extensions: x\r\n"), Outcome.MALFORMED, 101, "malformed"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Outcome.MALFORMED, None, "malformed"),
        (says(b"HTTP/1.1 429 Slow\r\nno colon\r\n\r\n"), Outcome.RATE_LIMITED, 429, "refused"),
        (says(b"HTTP/1.1 101 Hi\r\nX: " + b"x" * 200_000), Outcome.MALFORMED, None, "malformed"),
        (says(), Outcome.LOST, None, "lost"),
        (says(b"HTTP/1.1 101 Swit"), Outcome.LOST, None, "lost"),
        (resets, Outcome.RESET, None, "reset"),
    ],
)
def test_the_outcome_of_a_failed_handshake(script: Script, outcome: Outcome, status: int | None, cause: str) -> None:
    with serving(script) as target, pytest.raises(AttemptFailed) as caught:
        Connection.open(target, "/", timeout_s=PATIENT_S)
    failed = caught.value
    assert (failed.outcome, failed.status, failed.close_code) == (outcome, status, 1006)
    assert abnormal_cause(failed.outcome) == cause


def test_the_advice_of_a_refusal_is_kept_even_when_its_body_is_cut_off() -> None:
    with serving(half_a_refusal) as target, pytest.raises(AttemptFailed) as caught:
        Connection.open(target, "/", timeout_s=PATIENT_S)
    assert caught.value.advice.retry_after_s == 3.0


def test_no_answer_to_the_handshake() -> None:
    with serving(waits_for_the_client) as target, pytest.raises(AttemptFailed) as caught:
        Connection.open(target, "/", timeout_s=SHORT_S)
    assert caught.value.outcome is Outcome.TIMED_OUT


def test_a_response_of_one_byte_at_a_time_ends_with_the_timeout() -> None:
    def drips(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 101 X\r\nX-Drip: ")
        while True:  # until the client leaves: then sending raises
            connection.sendall(b"x")
            connection.settimeout(SHORT_S / 10)
            try:
                connection.recv(1)
            except TimeoutError:
                continue

    with serving(drips) as target, pytest.raises(AttemptFailed) as caught:
        Connection.open(target, "/", timeout_s=SHORT_S)
    assert caught.value.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("script", "outcome", "code"),
    [
        (switches(close_frame(1000)), Outcome.CLOSED, 1000),
        (switches(close_frame(1001)), Outcome.CLOSED, 1001),
        (switches(close_frame(1008)), Outcome.CLOSED, 1008),
        (switches(close_frame(1011)), Outcome.CLOSED, 1011),
        (switches(close_frame(1013)), Outcome.CLOSED, 1013),
        (switches(close_frame(4001)), Outcome.CLOSED, 4001),
        (switches(frame(8)), Outcome.CLOSED, 1005),
        (switches(), Outcome.LOST, 1006),
        (switches(b"\x81\x05he"), Outcome.LOST, 1006),
        (switches(then=resets), Outcome.RESET, 1006),
    ],
)
def test_the_outcome_when_a_connection_ends(script: Script, outcome: Outcome, code: int) -> None:
    with serving(script) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        with pytest.raises(AttemptFailed) as caught:
            connection.receive(PATIENT_S)
        connection.abort()
    assert (caught.value.outcome, caught.value.close_code) == (outcome, code)


def masked(unmasked: bytes) -> bytes:
    """A frame with a payload below 126 bytes, masked with zeros, which change nothing."""
    return bytes((unmasked[0], unmasked[1] | 0x80)) + bytes(4) + unmasked[2:]


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        (masked(frame(1, b"x")), 1002),  # RFC 6455 5.1
        (masked(frame(9, b"x")), 1002),
        (masked(frame(10)), 1002),
        (masked(close_frame(1000)), 1002),
        (b"\x81\xfe\x00\x7e" + bytes(4 + 126), 1002),
        (frame(1, b"x", rsv=1), 1002),  # 5.2
        (frame(9, rsv=4), 1002),
        (frame(3), 1002),
        (frame(7), 1002),
        (frame(11), 1002),
        (frame(15), 1002),
        (b"\x81\x7e\x00\x7dx" + bytes(124), 1002),  # 125 in sixteen bits
        (b"\x81\x7f" + bytes(6) + b"\xff\xff" + bytes(0xFFFF), 1002),  # 65535 in sixty-four
        (b"\x81\x7f\x80" + bytes(7), 1002),  # the highest bit
        (b"\x81\x7f\x00\x00\x00\x00\x40\x00\x00\x00", 1009),
        (frame(0, b"x"), 1002),  # 5.4
        (frame(1, b"x", fin=False) + frame(1, b"y"), 1002),
        (frame(8, b"\x03\xe8", fin=False), 1002),  # 5.5
        (frame(9, b"x", fin=False), 1002),
        (frame(10, fin=False), 1002),
        (frame(9, b"x" * 126), 1002),
        (frame(8, b"x"), 1002),  # 5.5.1
        *((close_frame(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)),  # 7.4
        (frame(8, b"\x03\xe8\xff\xfe"), 1007),  # 8.1
        (frame(1, b"\xff\xfe"), 1007),
        (frame(1, b"\xf0\x9f", fin=False) + frame(0, b"\x92"), 1007),
        (frame(1, b"\xed\xa0\x80"), 1007),  # a surrogate, RFC 3629 3
    ],
)
def test_a_frame_that_is_not_allowed_fails_the_connection_with_a_close_frame(frames: bytes, told: int) -> None:
    answer: Future[bytes] = Future()

    def reads_the_answer(connection: socket.socket) -> None:
        answer.set_result(connection.recv(100))
        waits_for_the_client(connection)

    with serving(switches(frames, then=reads_the_answer)) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        with pytest.raises(AttemptFailed) as caught:
            connection.receive(PATIENT_S)
        connection.abort()
    assert (caught.value.outcome, caught.value.close_code) == (Outcome.MALFORMED, 1006)
    sent = answer.result()
    assert sent[:2] == b"\x88\x82", "a masked close frame (RFC 6455 7.1.7)"
    assert int.from_bytes(bytes((sent[6] ^ sent[2], sent[7] ^ sent[3])), "big") == told


@pytest.mark.parametrize("connection", [b"upgrade", b"keep-alive, Upgrade", b"x ,\tUPGRADE"])
def test_the_connection_header_is_a_list_of_tokens(connection: bytes) -> None:
    """RFC 6455 4.1, RFC 9110 7.6.1."""
    with serving(upgrade_with(b"Connection: Upgrade", b"Connection: " + connection)) as target:
        Connection.open(target, "/", timeout_s=PATIENT_S)[0].abort()


@pytest.mark.parametrize("together", [True, False], ids=["behind the head", "on its own"])
def test_a_message_sent_with_the_101_is_not_lost(together: bool) -> None:
    with serving(switches(frame(1, b"ready"), together=together, then=waits_for_the_client)) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        assert connection.receive(PATIENT_S) == "ready"
        connection.abort()


def test_a_fragmented_message_with_a_ping_between_its_frames() -> None:
    frames = [frame(1, b"re", fin=False), frame(9, b"?"), frame(0, b"ady")]
    pongs: list[bytes] = []

    def note_the_pong(connection: socket.socket) -> None:
        pongs.append(connection.recv(100))
        waits_for_the_client(connection)

    with serving(switches(*frames, then=note_the_pong)) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        assert connection.receive(PATIENT_S) == "ready"
        assert connection.pings == 1
        connection.abort()
    assert pongs[0][0] == 0x8A, "a final pong frame"


def test_receive_returns_none_at_the_timeout_and_can_be_called_again() -> None:
    timed_out = threading.Event()

    def later(connection: socket.socket) -> None:
        timed_out.wait(PATIENT_S)
        connection.sendall(frame(1, b"late"))
        waits_for_the_client(connection)

    with serving(switches(then=later)) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        assert connection.receive(SHORT_S) is None
        timed_out.set()
        assert connection.receive(PATIENT_S) == "late"
        connection.abort()


def test_messages_of_one_send_arrive_as_one_frame_each() -> None:
    received = bytearray()

    def reads(connection: socket.socket) -> None:
        while part := connection.recv(4096):
            received.extend(part)

    with serving(switches(then=reads)) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        connection.send(PATIENT_S, "one", "ü" * 100)
        connection.abort()
    assert (received[0], received[1]) == (0x81, 0x80 | 3), "a final text frame, masked (RFC 6455 5.2)"
    key, payload = received[2:6], received[6:9]
    assert bytes(byte ^ key[i] for i, byte in enumerate(payload)) == b"one"
    assert (received[9], received[10], bytes(received[11:13])) == (0x81, 0x80 | 126, (200).to_bytes(2, "big"))


def test_close_sends_1000_and_returns_the_code_of_the_edge() -> None:
    def answers_1001(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(frame(1, b"still under way") + close_frame(1001))
        waits_for_the_client(connection)

    with serving(switches(then=answers_1001)) as target:
        assert Connection.open(target, "/", timeout_s=PATIENT_S)[0].close(PATIENT_S, "bye") == 1001


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ((frame(9, b"?"), close_frame(1000)), 1000),
        ((frame(1, b"re", fin=False), frame(9, b"?"), frame(0, b"ady"), close_frame(4000)), 4000),
        ((frame(9, b"?"), frame(8, b"\x03\xe8\xff")), None),
        ((frame(9, b"?"), masked(close_frame(1000))), None),
        ((frame(9, b"?"), frame(0, b"x")), None),
    ],
)
def test_a_ping_between_our_close_frame_and_the_edges_is_answered(frames: tuple[bytes, ...], code: int | None) -> None:
    """RFC 6455 5.5.2; frames that are not allowed stay so until the end."""
    pong: Future[bytes] = Future()

    def pings_before_closing(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"".join(frames))
        pong.set_result(connection.recv(4096))
        waits_for_the_client(connection)

    with serving(switches(then=pings_before_closing)) as target:
        connection, _ = Connection.open(target, "/", timeout_s=PATIENT_S)
        if code is None:
            with pytest.raises(AttemptFailed) as caught:
                connection.close(PATIENT_S)
            assert (caught.value.outcome, caught.value.close_code) == (Outcome.MALFORMED, 1006)
        else:
            assert connection.close(PATIENT_S) == code
    assert pong.result()[0] == 0x8A
    assert connection.pings == 1
