"""A misbehaving edge gets the planned attempts plus the retry budget, and no more; then softphones give up."""

from __future__ import annotations

import json
import random
import re
import socket
from collections import Counter
from typing import Any

import pytest

from locust_softphone import sdp
from locust_softphone.signaling.softphone import Softphone
from tests.signaling.scripted_server import frame, read_head, serving, switches
from tests.signaling.softphones import Observations, Time, a_field, a_fleet

STEPS = ("token", "handshake", "offer")
HASTY: dict[str, Any] = {
    "retry": {"max_retries": 1000, "initial": "0s", "retry_after": "ignore", "remaining": "ignore"}
}


def attempts(seen: Observations) -> int:
    return sum(seen.tally.counts[f"attempts.{step}"] for step in STEPS)


@pytest.mark.parametrize(
    ("refuses", "token"),
    [*((step, "per-connection") for step in STEPS), ("handshake", "shared"), ("offer", "shared")],
)
@pytest.mark.parametrize("budget", [0, 7])
def test_an_edge_that_refuses_everything(refuses: str, token: str, budget: int) -> None:
    policy = f"{{limits: {{{refuses}: {{rate: 1/min, burst: 1}}}}, max_early_retries: 1000000}}"
    with a_field(policy, token=token, budget=budget, **HASTY) as field:
        answered = [field.softphone().call() for _ in range(4)]
        shared = token == "shared"
        assert answered[0] or (shared and not budget), (
            "the first is within every limit, but the shared token costs budget"
        )
        planned = 4 * (2 if shared else 3)
        assert attempts(field.seen) <= planned + budget
        assert field.counted("retries.over_budget") > 0
        assert str(field.seen.calls[-1]) in ("over_budget", "rate_limited (HTTP 429)")
        assert field.counted("gave_up") >= 1


class DropsAnsweredCalls:
    """An edge that answers every offer and then drops the connection."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self._sessions: list[socket.socket] = []

    def __call__(self, connection: socket.socket) -> None:
        request = connection.recv(65536, socket.MSG_PEEK).decode()
        path = request.split()[1]
        self.requests[path] += 1
        if path == "/signaling":
            switches(frame(1, b'{"type":"ready","session":"s"}'), then=self._until_answered)(connection)
            return
        self._reply(connection, {"access_token": "t"} if path == "/oauth/token" else self._answer(connection))
        if path != "/oauth/token":
            self._sessions.pop().shutdown(socket.SHUT_RDWR)

    def _until_answered(self, connection: socket.socket) -> None:
        self._sessions.append(connection)
        while connection.recv(4096):
            pass

    def _answer(self, connection: socket.socket) -> dict[str, str]:
        request = read_head(connection)
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        while len(body) < length:
            body += connection.recv(65536)
        return {"type": "answer", "sdp": sdp.make_answer(sdp.parse(json.loads(body)["sdp"]), random.Random(1))}

    def _reply(self, connection: socket.socket, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.shutdown(socket.SHUT_WR)


def test_an_edge_that_drops_every_call_it_has_answered() -> None:
    """Each reconnect succeeds, so only the budget ends it."""
    edge, seen = DropsAnsweredCalls(), Observations()
    with serving(*[edge] * 60) as target:
        phone = Softphone(a_fleet(target, seen, Time(), budget=12, token="per-connection", **HASTY), 0, 0.0)
        assert phone.call()
        phone.hold(60.0)
        phone.hang_up()
    assert edge.requests == {"/oauth/token": 5, "/signaling": 5, "/api/v2/media/offer": 5}
    assert seen.tally.counts["reconnects"] == 4
    assert seen.tally.counts["reconnects.failed"] == 1
    assert seen.tally.counts["retries.over_budget"] == 1


def test_calls_of_a_scenario_cost_no_budget() -> None:
    """A user's own script may call and hang up any number of times: that is its plan."""
    with a_field("{}", token="per-connection", budget=0) as field:
        phone = field.softphone()
        for _ in range(3):
            assert phone.call()
            assert phone.call()
            phone.hang_up()
        assert attempts(field.seen) == 3 * (3 + 1)
