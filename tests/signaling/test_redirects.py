"""A redirect is a refusal: the Bearer token and the client secret are sent only to the target."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from locust_softphone.signaling.softphone import Softphone
from tests.signaling.scripted_server import Script, frame, says, says_goodbye, serving, switches
from tests.signaling.softphones import Observations, Time, a_fleet

TOKEN = b'{"access_token":"bearer","expires_in":3600}'
A_TOKEN = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(TOKEN), TOKEN))
A_SESSION = switches(frame(1, b'{"type":"ready","session":"s"}'), then=says_goodbye)


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """Another origin, which must get no connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
@pytest.mark.parametrize(("step", "before"), [("token", []), ("handshake", [A_TOKEN]), ("offer", [A_TOKEN, A_SESSION])])
def test_no_step_follows_a_redirect(elsewhere: socket.socket, status: str, step: str, before: list[Script]) -> None:
    port = elsewhere.getsockname()[1]
    answer = f"HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{port}/stolen\r\nContent-Length: 0\r\n\r\n"
    seen = Observations()
    with serving(*before, says(answer.encode())) as target:
        phone = Softphone(a_fleet(target, seen, Time(), like="recommended"), 0, 0.0)
        assert not phone.call()
        phone.hang_up()
    assert seen.outcomes(step) == ["redirected"], "once: another try would be redirected too"
    with pytest.raises(BlockingIOError):
        elsewhere.accept()
