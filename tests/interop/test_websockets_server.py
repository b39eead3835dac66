"""Our WebSocket client against the server of the package websockets: frames of every size."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from locust_softphone.signaling.target import Target
from locust_softphone.signaling.websocket import Connection
from tests.signaling.softphones import PATIENT_S


def echo(websocket: ServerConnection) -> None:
    """Send every message back twice: whole, and in two fragments after a ping."""
    for message in websocket:
        assert isinstance(message, str)
        websocket.send(message)
        websocket.ping()
        half = len(message) // 2
        websocket.send([message[:half], message[half:]])


@contextmanager
def connected() -> Iterator[Connection]:
    with serve(echo, "127.0.0.1", 0, compression=None, max_size=None) as server:
        listening = threading.Thread(target=server.serve_forever)
        listening.start()
        connection, _ = Connection.open(
            Target("127.0.0.1", server.socket.getsockname()[1]).resolved(), "/", timeout_s=PATIENT_S
        )
        try:
            yield connection
        finally:
            connection.abort()
            server.shutdown()
            listening.join()


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (0, "nothing"),
        (1, "the shortest"),
        (125, "the longest with its length in seven bits, RFC 6455 5.2"),
        (126, "the shortest with sixteen"),
        (65_535, "the longest with sixteen"),
        (65_536, "the shortest with sixty-four"),
        (1024 * 1024, "the longest that is taken"),
    ],
)
def test_a_message_of_each_length_encoding(size: int, why: str) -> None:
    message = "0123456789ü"[:size] + "x" * (size - 12) if size > 12 else "x" * size
    assert len(message.encode()) == size
    with connected() as connection:
        connection.send(PATIENT_S, message)
        assert connection.receive(PATIENT_S) == message, why
        assert connection.receive(PATIENT_S) == message, f"{why}, in fragments"
        assert connection.pings == 1
        assert connection.close(PATIENT_S) == 1000


def test_messages_that_are_sent_together_come_back_in_order() -> None:
    messages = [f"message {number} " * (number * 7) for number in range(30)]
    with connected() as connection:
        connection.send(PATIENT_S, *messages)
        assert [connection.receive(PATIENT_S) for _ in range(60)] == [each for each in messages for _ in range(2)]
        assert connection.pings == 30
